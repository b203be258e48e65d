"""Articles of files: columns, times, standing URLs, and rows that cannot be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError
from corpus.files import read_articles


def read(*paths):
    problems = []
    return list(read_articles(paths, problems.append)), problems


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_all_columns_are_taken_over(write):
    path = write(
        "in.jsonl",
        lines(
            {
                "id": "x-1",
                "title": " Fund flows ",
                "text": "Text.",
                "summary": "Short.",
                "url": "https://www.example.com/a/?utm_source=rss",
                "source": "Example",
                "published_at": "2025-11-13T14:00:00+02:00",
                "first_seen_at": "2025-11-13T13:00:00Z",
                "language": "en-US",
                "author": "A. Writer",
                "other": [1],
            }
        ),
    )
    (article,), problems = read(path)
    assert problems == []
    assert article.url == "https://example.com/a"
    assert (article.title, article.text, article.summary) == ("Fund flows", "Text.", "Short.")
    assert article.published_at == datetime(2025, 11, 13, 12, tzinfo=UTC)
    assert article.first_seen_at == datetime(2025, 11, 13, 13, tzinfo=UTC)
    assert (article.language, article.author, article.source) == ("en", "A. Writer", "Example")
    assert (article.external_id, article.day_only) == ("x-1", False)


@pytest.mark.parametrize(
    ("row", "time", "day_only"),
    [
        ({"published_at": "2025-11-13"}, datetime(2025, 11, 13, tzinfo=UTC), True),
        ({"published_at": "2025-11-13 08:30"}, datetime(2025, 11, 13, 8, 30, tzinfo=UTC), False),
        (
            {"published_at": "2025-11-13T08:00:00Z", "ts_precision": "day"},
            datetime(2025, 11, 13, tzinfo=UTC),
            True,
        ),
        (
            {"published_at": "Thu, 13 Nov 2025 08:30:00 EST"},
            datetime(2025, 11, 13, 13, 30, tzinfo=UTC),
            False,
        ),
        ({"published_at": 1763022600}, datetime(2025, 11, 13, 8, 30, tzinfo=UTC), False),
        ({"published_at": None}, None, False),
        ({}, None, False),
    ],
)
def test_times_in_their_forms(write, row, time, day_only):
    (article,), problems = read(write("in.jsonl", lines({"title": "T", **row})))
    assert problems == []
    assert (article.published_at, article.day_only) == (time, day_only)


def test_parquet_times_with_and_without_zone_and_dates(tmp_path):
    path = tmp_path / "in.parquet"
    moment = datetime(2025, 6, 1, 10, tzinfo=UTC).replace(tzinfo=None)
    pq.write_table(
        pa.table(
            {
                "title": ["a"],
                "published_at": pa.array([moment.date()]),
                "first_seen_at": pa.array([moment]),
            }
        ),
        path,
    )
    (article,), _ = read(path)
    assert article.published_at == datetime(2025, 6, 1, tzinfo=UTC)
    assert article.day_only
    assert article.first_seen_at == datetime(2025, 6, 1, 10, tzinfo=UTC)


def test_unusable_rows_are_told_with_file_and_line_and_the_rest_comes(write):
    path = write(
        "in.jsonl",
        lines(
            {"title": "good"},
            {"summary": "neither"},
            {"title": 5},
            {"title": "x", "published_at": "soon"},
            {"title": "x", "published_at": True},
            {"title": "x", "published_at": "2025-02-30T10:00:00Z"},
            {"title": "x", "url": "no url"},
            {"title": "x", "language": "42"},
            {"text": "only text"},
        ),
    )
    articles, problems = read(path)
    assert [(one.title, one.text) for one in articles] == [("good", None), ("", "only text")]
    assert [problem.line for problem in problems] == [2, 3, 4, 5, 6, 7, 8]
    assert str(problems[0]) == f"{path}:2: neither title nor text"
    assert problems[1].reason == "title is 5, not text"
    assert problems[2].reason == "published_at 'soon' is not a time"


def test_a_row_without_url_gets_one_that_stands(write):
    row = {"title": "T", "source": "Wire", "published_at": "2025-11-13T08:00:00Z"}
    (first,), _ = read(write("a.jsonl", lines(row)))
    (again,), _ = read(write("b.jsonl", lines({**row, "text": "now with text"})))
    (other,), _ = read(write("c.jsonl", lines({**row, "published_at": "2025-11-14T08:00:00Z"})))
    (named,), _ = read(write("d.jsonl", lines({**row, "id": 7})))
    assert first.url == again.url
    assert first.url.startswith("urn:undertow:")
    assert len({first.url, other.url, named.url}) == 3


def test_the_source_is_named_or_the_host_or_unknown(write):
    found, _ = read(
        write(
            "in.jsonl",
            lines(
                {"title": "a", "source": "Wire"},
                {"title": "b", "url": "https://www.news.example/x"},
                {"title": "c"},
            ),
        )
    )
    assert [one.source for one in found] == ["Wire", "news.example", "unknown"]


def test_every_file_is_checked_before_the_first_article(write):
    good = write("a.csv", "title\nx\n")
    bad = write("b.csv", "headline\nx\n")
    with pytest.raises(InputError, match=r"b\.csv has no column"):
        read_articles([good, bad], print)


def test_ids_without_an_outlet_do_not_make_rows_of_two_files_one(write):
    first = write("first.jsonl", lines({"id": 1, "title": "Funds lose money"}))
    second = write("second.jsonl", lines({"id": 1, "title": "Funds take in money"}))
    articles, problems = read(first, second)
    assert problems == []
    assert len({article.url for article in articles}) == 2
    again, _ = read(first)
    assert again[0].url == articles[0].url
