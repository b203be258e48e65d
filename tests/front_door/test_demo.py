"""`undertow demo`, as a new user runs it: a process of its own, real sockets, real files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.records import Article, PublishedFlag
from corpus.sample import Archive, load_archive
from corpus.store import Store
from nlp.index import COLUMNS
from nlp.index.result import read_frame
from nlp.taxonomy import core_drivers
from service.report import WeeklyReport, build_report

pytestmark = pytest.mark.slow
UNDERTOW = Path(sys.executable).with_name("undertow")


@dataclass(frozen=True)
class Demo:
    """What a run left: its output, its folder, and what the store holds by outlet and slug."""

    output: str
    folder: Path
    archive: Archive
    articles: Mapping[tuple[str, str], Article]
    reports: Mapping[str, WeeklyReport]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    place = tmp_path_factory.mktemp("place")
    folder = place / "demo"
    folder.mkdir()
    # What an earlier demo left, cut off in the middle: it is made anew.
    (folder / "undertow.db").write_bytes(b"half a store")
    done = subprocess.run(
        [UNDERTOW, "demo"], cwd=place, check=False, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    with Store.open(f"sqlite:///{folder / 'undertow.db'}") as store:
        stored = list(store.articles())
        reports = {week: build_report(store, week=week) for week in ("2025-W47", "2025-W49")}
    articles = {(one.source, Path(one.url).stem): one for one in stored}
    return Demo(done.stdout, folder, load_archive(), articles, reports)


def test_every_article_is_in_the_store_whole_and_at_its_time(demo: Demo):
    assert len(demo.articles) == len(demo.archive.articles)
    atom = {outlet.name for outlet in demo.archive.outlets if outlet.feed == "atom"}
    for told in demo.archive.articles:
        held = demo.articles[told.outlet, told.slug]
        assert held.title == told.title
        assert held.text == "\n\n".join(told.paragraphs)
        # An Atom feed must name an author; the outlet stands in where no person is named.
        assert held.author == (told.author or (told.outlet if told.outlet in atom else None))
        assert held.published_at == told.published_at
        assert held.published_flag is PublishedFlag.EXACT


def test_copies_join_their_story_and_different_stories_stay_apart(demo: Demo):
    originals: dict[str, set[str]] = defaultdict(set)
    for told in demo.archive.articles:
        story = demo.articles[told.outlet, told.slug].story_id
        originals[story].add(told.copy_of or told.slug)
    # Reports of one event in other words join too; a few that only stand near it do as well.
    joined = [slugs for slugs in originals.values() if len(slugs) > 1]
    assert len(joined) <= 3, joined
    assert all(len(slugs) == 2 for slugs in joined), joined
    head = {one.slug: one for one in demo.archive.articles if one.copy_of is None}
    copies = [one for one in demo.archive.articles if one.copy_of is not None]
    found = [
        copy
        for copy in copies
        if demo.articles[copy.outlet, copy.slug].story_id
        == demo.articles[head[copy.copy_of].outlet, copy.copy_of].story_id
    ]
    # Two outlets may rewrite one report beyond recognition; most copies are plain.
    assert len(found) >= 0.75 * len(copies)


def test_it_tells_what_was_crawled_and_where_the_reports_are(demo: Demo):
    assert f"8 outlets, {len(demo.archive.articles)} articles" in demo.output
    for week, report in demo.reports.items():
        path = Path("demo") / f"report-{week}.html"
        assert str(path) in demo.output
        page = (demo.folder.parent / path).read_text(encoding="utf-8")
        assert "<svg" in page
        assert f"Week {week}" in demo.output
        words = " ".join(demo.output.split())
        assert report.headline in words
        for row in report.drivers:
            if row.core:
                assert row.title in words
                assert " ".join(row.stories[0].title.split()) in words
        for state in report.watch:
            assert state.sentence in words


def test_both_weeks_have_a_reading_of_each_core_driver_from_several_stories(demo: Demo):
    for report in demo.reports.values():
        core = {row.name: row for row in report.drivers if row.core}
        assert list(core) == [driver.name for driver in core_drivers()]
        for row in core.values():
            assert row.reading.pressure is not None
            assert row.reading.lower <= row.reading.upper
            assert row.reading.tagged >= 3
            assert row.stories


def test_the_public_story_of_the_quarter_is_found(demo: Demo):
    november = {row.name: row.reading for row in demo.reports["2025-W47"].drivers}
    december = {row.name: row.reading for row in demo.reports["2025-W49"].drivers}
    # Record outflows in the third week of November; liquidations opened December.
    assert november["etf_flows"].direction == "bearish"
    assert november["etf_flows"].pressure < 0
    assert november["leverage"].direction == "bearish"
    assert december["leverage"].direction == "bearish"
    assert december["leverage"].pressure < 0
    bitcoin = next(one for one in demo.reports["2025-W47"].prices if one.asset == "BTC")
    assert bitcoin.change == pytest.approx(86805.01 / 94177.07 - 1, abs=0.005)


def test_index_files_and_study_are_left_beside_the_reports(demo: Demo):
    weekly = read_frame(demo.folder / "index-weekly.csv")
    daily = read_frame(demo.folder / "index-daily.csv")
    assert list(weekly) == list(daily) == list(COLUMNS)
    assert set(weekly["frequency"]) == {"W"}
    assert weekly["period_start"].nunique() == 14
    study = json.loads((demo.folder / "study.json").read_text(encoding="utf-8"))
    assert study["cells"]
    assert study["index_vintage"] == daily["vintage"].iloc[0]
