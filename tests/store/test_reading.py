"""Articles out of the store: order, spans, pages, export and check."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from corpus.errors import InputError
from corpus.files import read_articles
from corpus.store import Store

SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)
START = datetime(2025, 10, 1, tzinfo=UTC)


@pytest.fixture
def filled(store, found):
    store.add(
        [
            found(
                number,
                source=f"Outlet {number % 3}",
                # Several share a time, so that the id has to decide.
                published_at=START + timedelta(hours=number // 4),
            )
            for number in range(800)
        ],
        seen_at=SEEN,
    )
    return store


def test_articles_stream_by_time_and_id_over_many_pages(filled):
    everything = list(filled.articles())
    assert len(everything) == 800
    order = [(one.published_at, one.id) for one in everything]
    assert order == sorted(order)
    counts = filled.counts()
    assert (counts.articles, counts.stories, counts.sources) == (800, 800, 3)
    assert counts.first_published == START
    assert counts.last_published == START + timedelta(hours=199)


def test_spans_sources_and_cursors(filled):
    everything = list(filled.articles())
    since, until = START + timedelta(hours=5), START + timedelta(hours=150)
    expected = [
        one for one in everything if since <= one.published_at < until and one.source == "Outlet 1"
    ]
    assert list(filled.articles(since=since, until=until, source="Outlet 1")) == expected
    pages, after = [], None
    while page := list(filled.articles(source="Outlet 1", limit=100, after=after)):
        pages += page
        after = page[-1].id
    assert pages == [one for one in everything if one.source == "Outlet 1"]
    assert list(filled.articles(limit=600)) == everything[:600]
    assert list(filled.articles(after="0" * 20)) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_an_export_comes_back_bit_equal(filled, found, tmp_path, suffix):
    copied = "Exchange funds lost money for a third day as holders sold, data of the desk showed."
    filled.add(
        [
            found(5000, title="Funds lose money again", text=copied, external_id="e1"),
            found(5001, title="Funds lose money again", text=copied, summary="S", author="A"),
            found(5002, text=None, language="de", published_at=None),
            found(5003, published_at=SEEN + timedelta(days=9)),
            found(5004, day_only=True, title=" spaces\n kept ", text="  text\r\nwith lines  "),
            found(1, text="A second text."),
        ],
        seen_at=SEEN + timedelta(hours=1, microseconds=17),
    )
    path = tmp_path / f"articles{suffix}"
    assert filled.export(path) == 805
    problems: list = []
    with Store.open(f"sqlite:///{tmp_path}/again.db") as again:
        counts = again.add(read_articles([path], problems.append))
        assert (counts.new, counts.copies, problems) == (805, 1, [])
        assert list(again.articles()) == list(filled.articles())
        assert again.check() == ()
        second = tmp_path / f"again{suffix}"
        again.export(second)
        assert second.read_bytes() == path.read_bytes()


def test_a_damaged_export_is_told_row_by_row(filled, tmp_path):
    path = tmp_path / "articles.jsonl"
    filled.export(path)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("Body of", "Corpse of")
    lines[2] = lines[2].replace("https://wire.example/", "https://other.example/")
    path.write_text("\n".join(lines))
    problems: list = []
    assert sum(1 for _ in read_articles([path], problems.append)) == 798
    assert [problem.line for problem in problems] == [2, 3]
    assert problems[0].reason == "damaged export: content_hash does not fit title and text"


def test_nothing_to_export_is_a_clear_error(store, tmp_path):
    with pytest.raises(InputError, match="holds no article"):
        store.export(tmp_path / "out.jsonl")
    assert list(tmp_path.glob("out*")) == []


def test_check_finds_what_does_not_fit(tmp_path, found):
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add([found(number) for number in range(4)], seen_at=SEEN)
        store.add([found(3, text="Second.")], seen_at=SEEN)
        ids = [one.id for one in store.articles()]
        assert store.check() == ()
        changes = (
            f"UPDATE articles SET text = 'x' WHERE id = '{ids[0]}'",
            f"UPDATE articles SET story_id = 'gone' WHERE id = '{ids[1]}'",
            f"UPDATE articles SET url = 'https://x.example/' WHERE id = '{ids[2]}'",
            "DELETE FROM former_contents",
        )
        for change in changes:
            connection = sqlite3.connect(path)
            connection.execute(change)
            connection.commit()
            connection.close()
        assert sorted(store.check()) == sorted(
            [
                f"article {ids[0]}: its content hash does not fit its content",
                f"article {ids[1]}: its story has no head",
                f"article {ids[2]}: its id is not that of its URL",
                f"article {ids[3]}: a former content is missing",
            ]
        )
