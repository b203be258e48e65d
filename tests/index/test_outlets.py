"""What hangs on single outlets: the range without one of them, and the flag of a changed mix."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from nlp.index import build
from nlp.index.mix import source_mix


def _build(items, news, **more):
    given = {"frequency": "D", "as_of": news.start + timedelta(days=200), "model": news.model}
    return build(items, **(given | more))


def test_range_is_that_of_indices_built_without_each_outlet(news):
    """Outside the base window, so that scales and outlet effects stay as they are."""
    items = news.random(40, outlets=4, seed=3)
    whole = _build(items, news).frame
    base_end = news.start + timedelta(weeks=4)
    outlets = sorted({item.article.source for item in items})
    without = [
        _build(
            [
                item
                for item in items
                if item.article.source != outlet or item.article.published_at < base_end
            ],
            news,
        ).frame
        for outlet in outlets
    ]
    for driver in ("macro", "security", "leverage", "composite"):
        rows = whole[(whole["driver"] == driver) & ~whole["in_base"]]
        assert len(rows) == 12
        # The first day's leverage looks back on the base window, of which nothing is left out here.
        for row in rows.iloc[int(driver in ("leverage", "composite")) :].itertuples():
            day = [
                item.article.source
                for item in items
                if row.period_start <= item.article.published_at < row.period_start + timedelta(1)
            ]
            others = [
                float(
                    frame[
                        (frame["driver"] == driver) & (frame["period_start"] == row.period_start)
                    ]["pressure"].iloc[0]
                )
                for outlet, frame in zip(outlets, without, strict=True)
                if outlet in day
            ]
            assert row.outlet_low == pytest.approx(min(others), abs=1e-8)
            assert row.outlet_high == pytest.approx(max(others), abs=1e-8)


def test_a_day_of_one_outlet_has_no_range(news):
    items = news.random(35, outlets=3)
    day = news.start + timedelta(days=40)
    items += [news.make(9000 + number, day + timedelta(hours=number)) for number in range(5)]
    frame = _build(items, news).frame
    rows = frame[frame["period_start"] == day]
    assert rows["outlet_low"].isna().all()
    assert rows["outlet_high"].isna().all()
    assert rows["pressure"].notna().all()


def test_distance_of_mixes_is_their_total_variation():
    random = np.random.default_rng(1)
    period = np.repeat(np.arange(30), 20)
    outlet = random.integers(5, size=600)
    in_base = np.arange(30) < 10
    found = source_mix(period, outlet, outlets=5, in_base=in_base)
    usual = np.bincount(outlet[period < 10], minlength=5) / 200
    expected = [
        0.5 * np.abs(np.bincount(outlet[period == one], minlength=5) / 20 - usual).sum()
        for one in range(30)
    ]
    np.testing.assert_allclose(found.distance, expected)


def test_another_mix_is_flagged_and_the_usual_one_seldom():
    random = np.random.default_rng(2)
    usual, other = [0.5, 0.3, 0.2, 0.0], [0.1, 0.1, 0.1, 0.7]
    period = np.repeat(np.arange(400), 25)
    outlet = np.concatenate(
        [random.choice(4, size=25, p=other if one >= 380 else usual) for one in range(400)]
    )
    found = source_mix(period, outlet, outlets=4, in_base=np.arange(400) < 28)
    assert found.changed[380:].all()
    alarms = int(found.changed[28:380].sum())
    assert alarms <= stats.binom.ppf(0.999, 352, 0.02)
    assert not found.changed[:28].any()


def test_few_stories_and_empty_periods_raise_no_flag():
    period = np.array([0, 0, 0, 1, 1, 2, 2, 2, 5])
    outlet = np.array([0, 1, 0, 1, 0, 0, 1, 0, 1])
    found = source_mix(period, outlet, outlets=2, in_base=np.array([True] * 3 + [False] * 4))
    assert not found.changed.any()
    assert np.isnan(found.distance[[3, 4, 6]]).all()


def test_the_flag_stands_in_the_index_file(news):
    items = news.random(60, outlets=4)
    late = news.start + timedelta(days=50)
    changed = [
        news.make(
            20_000 + number,
            item.article.published_at,
            source="A newcomer" if item.article.published_at >= late else item.article.source,
        )
        for number, item in enumerate(items)
    ]
    frame = _build(changed, news).frame.query("driver == 'macro'")
    flagged = frame[frame["mix_changed"]]["period_start"]
    assert (flagged >= late).sum() == 10
    assert (flagged < late).sum() <= 2  # of 22 days, by chance
    assert (frame[frame["period_start"] >= late]["mix_distance"] == 1.0).all()
