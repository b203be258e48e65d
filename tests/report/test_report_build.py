"""The weekly report as a record: its numbers, its reductions, its refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from made_up_news import WEEK, WEEK_START, bearish_week, build_report, usual_news

from corpus.errors import InputError, StudyError, UsageError
from corpus.records import PublishedFlag, SourceState
from nlp.index import build, readings
from service.report import render


@pytest.fixture(scope="module")
def report(store):
    return build_report(store, week=WEEK)


def test_the_week_and_its_headline(report):
    assert (report.week, report.start, report.end) == (
        WEEK,
        WEEK_START,
        WEEK_START + timedelta(weeks=1),
    )
    assert report.headline.startswith("In week 47 of 2025 the news")
    assert "more bearish" in report.headline
    assert "(usual: 1 to 28 September 2025)" in report.headline
    assert report.headline.count(".") - report.headline.count("%") < 2, "one sentence"


def test_the_headline_names_no_driver_whose_band_holds_zero(report):
    titles = {row.title[:1].lower() + row.title[1:]: row.reading for row in report.drivers}
    for title, reading in titles.items():
        if title in report.headline:
            assert reading.upper < 0 or reading.lower > 0


def test_readings_are_those_of_the_index(report, store):
    until = report.end
    index = build(
        store.tagged(model=report.method.model, until=until),
        frequency="W",
        as_of=report.method.as_of,
        model=report.method.model,
    )
    assert report.method.vintage == index.vintage
    expected = {one.driver: one for one in readings(index, report.start)}
    assert {row.name: row.reading for row in report.drivers} | {
        "composite": report.composite
    } == expected


def test_the_four_core_drivers_are_found_bearish(report):
    for row in report.drivers:
        if row.core:
            assert row.reading.direction == "bearish"
            assert row.reading.pressure < 0
            assert row.reading.lower < row.reading.pressure < row.reading.upper
            assert row.reading.change < 0


def test_decisive_stories_lead_with_the_largest_and_tell_different_figures(report):
    for row in report.drivers:
        sizes = [abs(story.share) for story in row.stories]
        assert 1 <= len(row.stories) <= 3
        assert sizes == sorted(sizes, reverse=True)
        told = [(one.amount.kind, f"{one.amount.value:.1e}") for one in row.stories if one.amount]
        assert len(told) == len(set(told))
    flows = next(row for row in report.drivers if row.name == "etf_flows")
    assert flows.stories[0].amount.kind == "net_flow"
    assert flows.stories[0].sentence == "Funds lose $870 million in a day"


def test_prices_of_the_week(report, store):
    frame = store.prices(assets=["BTC"])
    closes = dict(zip(frame["time"], frame["close"], strict=True))
    btc = next(one for one in report.prices if one.asset == "BTC")
    assert btc.close == pytest.approx(closes[report.end])
    assert btc.change == pytest.approx(closes[report.end] / closes[report.start] - 1)
    assert all(point.time <= report.end for point in report.price_series)


def test_study_and_watch_come_with_their_words(report):
    assert report.study is not None
    assert report.study.last_period < report.end
    assert len(report.study.verdict) >= 10
    assert any("does not say that news moved the price" in one for one in report.study.limits)
    states = {state.variable: state for state in report.watch}
    assert states.keys() == {"etf_flows", "treasury", "leverage"}
    assert states["treasury"].state == "selling"
    assert states["treasury"].evidence


def test_coverage_counts_the_week(report, store):
    seen = report.coverage
    week = list(store.tagged(model=report.method.model, since=report.start, until=report.end))
    assert seen.articles == len(week) == sum(one.articles for one in seen.outlets)
    assert seen.stories == len({one.article.story_id for one in week})
    assert seen.copies == seen.articles - seen.stories
    assert seen.days_without_news == ()
    assert seen.untagged == 0


def test_the_same_store_gives_the_same_report(report, store):
    assert build_report(store, week=WEEK) == report
    assert report.method.as_of == store.tag_models()[0].last_tagged_at


def test_nothing_later_than_the_week_is_used(report, store_with):
    cut = [
        item for item in [*usual_news(), *bearish_week()] if item.article.published_at < report.end
    ]
    shorter = store_with(cut)
    as_of = max(report.method.as_of, shorter.tag_models()[0].last_tagged_at)
    whole = build_report(store_with([*usual_news(), *bearish_week()]), week=WEEK, as_of=as_of)
    assert build_report(shorter, week=WEEK, as_of=as_of) == whole


def test_what_was_seen_later_is_not_known_then(news, store_with):
    late = [
        news.make(
            20_000 + number,
            WEEK_START + timedelta(hours=number),
            source=f"Outlet {number % 5}",
            probabilities={"macro": 1.0},
            stances={"macro": 1.0},
            seen_after=timedelta(weeks=3),
        )
        for number in range(60)
    ]
    store = store_with([*usual_news(), *late])
    then = build_report(store, week=WEEK, as_of=WEEK_START + timedelta(weeks=1))
    now = build_report(store, week=WEEK)
    assert now.composite.stories == then.composite.stories + 60
    assert then.coverage.articles == now.coverage.articles - 60
    macro = {r: next(row for row in r.drivers if row.name == "macro").reading for r in (then, now)}
    assert macro[now].pressure > macro[then].pressure


def test_a_week_of_the_base_window_says_so(store):
    report = build_report(store, week="2025-W37")
    assert report.composite.in_base
    assert any("lies in the base window" in note for note in report.notes)
    assert "lies in the base window (1 to 28 September 2025)" in report.headline
    assert "bearish" not in report.headline
    assert "bullish" not in report.headline


def test_a_week_without_news_says_so(store):
    report = build_report(store, week="2025-W43")
    assert (
        report.headline == "No news reached the store in week 43 of 2025, so nothing is said of it."
    )
    assert report.composite.pressure is None
    assert report.composite.direction == "no coverage"
    assert all(row.stories == () for row in report.drivers)
    assert len(report.coverage.days_without_news) == 7
    assert {"Outlet 0", "Outlet 4"} <= set(report.coverage.silent_outlets)
    for format in ("html", "md"):
        assert "No story of this week is in the store" in render(report, format)


def test_a_week_with_little_news_says_so(news, store_with):
    few = [
        news.make(
            30_000 + number,
            datetime(2025, 10, 21, number, tzinfo=UTC),
            probabilities={"macro": 0.9},
            stances={"macro": -0.9},
        )
        for number in range(3)
    ]
    report = build_report(store_with([*usual_news(), *few]), week="2025-W43")
    assert report.headline == (
        "Only 3 stories reached the store in week 43 of 2025, too few to tell a direction."
    )
    assert any("Only 3 stories" in note for note in report.notes)


def test_without_prices_the_report_says_so_and_goes_on(store_with):
    report = build_report(
        store_with([*usual_news(), *bearish_week()], with_prices=False), week=WEEK
    )
    assert report.prices == ()
    assert report.study is None
    assert "holds no prices" in report.study_absent
    assert any("holds no prices" in note for note in report.notes)
    assert "over the week" not in report.headline
    assert "holds no prices" in render(report, "html")


def test_a_study_that_cannot_be_run_is_said(news, store_with):
    short = news.random(29)
    report = build_report(store_with(short), week="2025-W40")
    assert report.study is None
    assert report.study_absent.startswith("No study was run: ")


def test_an_unfinished_week_says_so(store):
    report = build_report(store, week=WEEK, as_of=WEEK_START + timedelta(days=3))
    assert any("was not over" in note for note in report.notes)
    assert report.coverage.days_without_news == ()
    assert all(price.closed_at <= WEEK_START + timedelta(days=3) for price in report.prices)


def test_copies_off_topic_and_gaps_are_told(news, store_with):
    monday = WEEK_START
    items = [
        *(
            item
            for item in usual_news()
            if not monday + timedelta(days=2)
            <= item.article.published_at
            < monday + timedelta(days=4)
        ),
        news.make(40_000, monday, story="a" * 20, source="Outlet 0"),
        news.make(40_001, monday, story="a" * 20, source="Wire"),
        news.make(40_002, monday, relevant=False),
        news.make(40_003, monday, relevant=None),
    ]
    store = store_with(items)
    untagged = news.make(40_004, monday, flag=PublishedFlag.DAY_ONLY).article
    store.add([untagged])
    store.put_source_state(
        SourceState(name="Wire", url="https://wire.example/feed", problem="the host is not known")
    )
    report = build_report(store, week=WEEK)
    assert report.coverage.copies == 1
    assert report.coverage.off_topic == 1
    assert report.coverage.unread_language == 1
    assert report.coverage.untagged == 1
    assert [day.day for day in report.coverage.days_without_news] == [19, 20]
    assert report.coverage.failing_sources[0].problem == "the host is not known"
    page = render(report, "html")
    assert "Wire could not be read: the host is not known." in page
    assert "1 copy folded" in page
    assert "19 November 2025, 20 November 2025" in page


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ("2025-47", "is no ISO week"),
        ("2025-W54", "has no ISO week 54"),
        ("2999-W01", "has not begun"),
        ("2025-W20", "no story to build an index from"),
        ("2026-W02", "the news runs from 2025-W36 to 2025-W49"),
    ],
)
def test_weeks_that_cannot_be_reported(store, week, words):
    with pytest.raises((UsageError, StudyError), match=words) as error:
        build_report(store, week=week)
    assert error.value.remedy
    assert "\n" not in str(error.value)


def test_a_week_that_has_not_begun_by_as_of_is_refused(store):
    with pytest.raises(UsageError, match="has not begun"):
        build_report(store, week=WEEK, as_of=WEEK_START - timedelta(days=1))


def test_other_wrong_calls(store, store_with, news):
    with pytest.raises(UsageError, match="unknown asset 'DOGE'"):
        build_report(store, week=WEEK, asset="DOGE")
    with pytest.raises(UsageError, match="no tags of model 'other@1'") as error:
        build_report(store, week=WEEK, model="other@1")
    assert news.model in error.value.remedy
    with pytest.raises(UsageError, match="no zone"):
        build_report(store, week=WEEK, as_of=datetime(2025, 12, 1))  # noqa: DTZ001 - the point
    with pytest.raises(InputError, match="no tagged articles"):
        build_report(store_with([]), week=WEEK)


def test_the_model_that_tagged_last_is_read_unless_another_is_named(news, store_with):
    items = news.random(60)
    store = store_with(items)
    store.put_tags(
        "undertow-drivers@newer",
        [
            (one.article.id, one.record.replace(news.model, "undertow-drivers@newer"))
            for one in items
        ],
    )
    assert build_report(store, week="2025-W43").method.model == "undertow-drivers@newer"
    assert build_report(store, week="2025-W43", model=news.model).method.model == news.model


def test_an_assets_report_reads_the_stories_that_name_it(store, report):
    btc = build_report(store, week=WEEK, asset="BTC")
    assert 0 < btc.composite.stories < report.composite.stories
    assert "stories on BTC" in render(btc, "html")


def test_json_is_the_record(report):
    told = json.loads(render(report, "json"))
    assert told["schema"] == 1
    assert type(report).model_validate_json(render(report, "json")) == report
