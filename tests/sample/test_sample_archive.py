"""What the sample must tell, and what its loader refuses."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import corpus.sample
from corpus.errors import InputError
from corpus.sample import Archive, load_archive

SAMPLE = Path(corpus.sample.__file__).parent
ENTRY = """
[[article]]
slug = "{slug}"
outlet = "{outlet}"
published_at = {published}
language = "en"
title = "A title"
summary = "A summary."
{more}
body = "{body}"
"""


def _folder(tmp_path: Path, *entries: dict[str, str]) -> Path:
    shutil.copy(SAMPLE / "outlets.toml", tmp_path)
    (tmp_path / "articles").mkdir()
    usual = {
        "slug": "one",
        "outlet": "Blocktide",
        "published": "2025-11-03T08:00:00Z",
        "more": "",
        "body": "A paragraph.",
    }
    text = "".join(ENTRY.format(**(usual | entry)) for entry in entries)
    (tmp_path / "articles" / "2025-11.toml").write_text(text, encoding="utf-8")
    return tmp_path


def _words(text: str) -> set[str]:
    return set(text.lower().split())


def test_it_tells_the_quarter_in_at_least_150_articles_of_every_outlet(archive: Archive):
    assert len(archive.articles) >= 150
    assert archive.articles[0].published_at >= datetime(2025, 9, 1, tzinfo=UTC)
    assert archive.articles[-1].published_at < datetime(2025, 12, 8, tzinfo=UTC)
    for outlet in archive.outlets:
        assert archive.of(outlet), outlet.name
    weeks = {article.published_at.isocalendar()[:2] for article in archive.articles}
    assert weeks == {(2025, week) for week in range(36, 50)}


def test_copies_come_after_their_original_at_another_outlet_and_share_its_words(archive: Archive):
    originals = {one.slug: one for one in archive.articles if one.copy_of is None}
    copies = [one for one in archive.articles if one.copy_of is not None]
    assert len(copies) >= 8
    for copy in copies:
        original = originals[copy.copy_of]
        assert copy.outlet != original.outlet
        assert copy.published_at >= original.published_at
        shared = _words(copy.body) & _words(original.body)
        assert len(shared) >= 0.6 * len(_words(original.body)), copy.slug


def test_slugs_make_clean_addresses_that_differ(archive: Archive):
    paths = [archive.path(article) for article in archive.articles]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert path == path.lower()
        assert set(path) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/."), path


def test_a_good_folder_is_read_in_order_of_time(tmp_path: Path):
    late = {"slug": "late", "published": "2025-11-05T08:00:00Z", "more": 'copy_of = "early"'}
    early = {"slug": "early", "outlet": "Meridian Wire", "published": "2025-11-04T08:00:00Z"}
    archive = load_archive(_folder(tmp_path, late, early))
    assert [article.slug for article in archive.articles] == ["early", "late"]
    assert archive.path(archive.articles[0]) == "/meridian-wire/2025/11/early.html"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([{"outlet": "Elsewhere"}], "unknown outlet 'Elsewhere'"),
        ([{}, {}], "appears twice at Blocktide"),
        ([{"more": 'copy_of = "two"'}], "copy of 'two'"),
        ([{"more": "updated_at = 2025-11-02T08:00:00Z"}], "updated before"),
        ([{"body": "  "}], "has no body"),
        ([{"published": "2025-11-03T08:00:00"}], "2025-11.toml"),
        ([{"more": "colour = 1"}], "2025-11.toml"),
        ([{"published": "soon"}], "2025-11.toml"),
    ],
)
def test_entries_that_do_not_hold_together_are_refused(tmp_path: Path, entries, told: str):
    with pytest.raises(InputError, match=told):
        load_archive(_folder(tmp_path, *entries))


def test_a_sample_without_articles_is_refused(tmp_path: Path):
    shutil.copy(SAMPLE / "outlets.toml", tmp_path)
    with pytest.raises(InputError, match="no articles"):
        load_archive(tmp_path)
