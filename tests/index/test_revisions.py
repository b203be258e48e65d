"""Two vintages compared."""

from __future__ import annotations

from datetime import timedelta

import pytest

from corpus.errors import StudyError
from nlp.index import build, revisions


def _build(items, news, **more):
    given = {"frequency": "D", "as_of": news.start + timedelta(days=200), "model": news.model}
    return build(items, **(given | more))


def test_a_story_seen_late_revises_its_day_only(news):
    items = news.random(40)
    day = news.start + timedelta(days=35)
    late = news.make(
        9000,
        day,
        probabilities={"macro": 0.95},
        stances={"macro": -1.0},
        seen_after=timedelta(days=20),
    )
    early = _build([*items, late], news, as_of=news.start + timedelta(days=41)).frame
    whole = _build([*items, late], news, as_of=news.start + timedelta(days=60)).frame
    found = revisions(early, whole)
    assert (found.before, found.after) == (early["vintage"].iloc[0], whole["vintage"].iloc[0])
    assert found.before != found.after
    assert (found.periods, found.added, found.removed) == (40 * 8, 0, 0)
    assert {one.period_start for one in found.changed} == {day}
    macro = next(one for one in found.changed if one.driver == "macro")
    rows = [frame.query("driver == 'macro'").set_index("period_start") for frame in (early, whole)]
    assert macro.before == rows[0].loc[day, "pressure"]
    assert macro.after == rows[1].loc[day, "pressure"] < macro.before
    assert macro.stories_after == macro.stories_before + 1
    inside = rows[0].loc[day, "lower"] <= macro.after <= rows[0].loc[day, "upper"]
    assert macro.outside_band is not bool(inside)
    sizes = [abs(one.after - one.before) for one in found.changed]
    assert found.largest == pytest.approx(max(sizes))
    assert found.mean_size == pytest.approx(sum(sizes) / found.periods)


def test_added_and_removed_periods_are_counted_and_equal_vintages_differ_in_nothing(news):
    items = news.random(42)
    end = news.start + timedelta(days=40)
    short = _build([one for one in items if one.article.published_at < end], news).frame
    longer = _build(items, news).frame
    assert revisions(short, longer).added == 2 * 8
    assert revisions(longer, short).removed == 2 * 8
    assert not revisions(longer, longer).changed
    assert revisions(longer, longer).largest == 0.0


def test_indices_that_cannot_be_compared_are_refused(news):
    daily = _build(news.random(40), news).frame
    weekly = _build(news.random(40), news, frequency="W").frame
    with pytest.raises(StudyError, match="differ in frequency: D, W"):
        revisions(daily, weekly)
    mixed = daily.assign(vintage=["a", *["b"] * (len(daily) - 1)])
    with pytest.raises(StudyError, match="mixes 2 vintages"):
        revisions(daily, mixed)
