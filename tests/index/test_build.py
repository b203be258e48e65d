"""The index: its formulas on small cases, point in time, bands, digests."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from corpus.errors import InputError, StudyError, UsageError
from corpus.records import PublishedFlag
from nlp import index as narrative

LATER = datetime(2026, 1, 1, tzinfo=UTC)


def _rows(frame, driver, asset="all"):
    rows = frame[(frame["driver"] == driver) & (frame["asset"] == asset)]
    return rows.set_index("period_start")


def _build(items, news, **more):
    given = {"frequency": "D", "as_of": LATER, "model": news.model, "replicates": 50}
    return narrative.build(items, **(given | more))


def _quiet_base(news, days=4, source="Harbour Post"):
    """Base days whose raw pressure varies, from one outlet, so that there are no outlet effects."""
    return [
        news.make(
            1000 + day,
            news.start + timedelta(days=day, hours=9),
            source=source,
            probabilities={"etf_flows": 0.5 + 0.1 * day},
            stances={"etf_flows": 0.5},
        )
        for day in range(days)
    ]


def test_attention_stance_and_pressure_by_hand(news):
    day = news.start + timedelta(days=30)
    items = [
        *_quiet_base(news),
        news.make(1, day, probabilities={"etf_flows": 0.9}, stances={"etf_flows": -0.8}),
        news.make(2, day, probabilities={"etf_flows": 0.6}, stances={"etf_flows": 0.4}),
        news.make(3, day, probabilities={"etf_flows": 0.3}),
    ]
    row = _rows(_build(items, news).frame, "etf_flows").loc[day]
    attention = (0.9 + 0.6 + 0.3) / 3
    stance = (0.9 * -0.8 + 0.6 * 0.4) / (0.9 + 0.6)
    assert row["attention_raw"] == pytest.approx(attention)
    assert row["stance"] == pytest.approx(stance)
    assert row["pressure_raw"] == pytest.approx(attention * stance)
    base = np.array([0.5, 0.6, 0.7, 0.8]) * 0.5
    assert row["pressure"] == pytest.approx((attention * stance - base.mean()) / base.std(ddof=1))
    assert row["attention"] == pytest.approx(100 * attention / 0.65)
    assert (row["stories"], row["tagged"], row["coverage"]) == (3, 2, "ok")


def test_a_story_told_by_many_counts_once_and_at_its_first_telling(news):
    day = news.start + timedelta(days=30, hours=23)
    copies = [
        news.make(
            50 + number,
            day + timedelta(hours=number),
            source=f"Outlet {number}",
            story="one-story",
            probabilities={"macro": chance},
            stances={"macro": stance},
        )
        for number, (chance, stance) in enumerate([(0.8, -0.5), (0.6, -0.7), (1.0, -0.9)])
    ]
    result = _build([*_quiet_base(news), *copies], news)
    assert result.counts.copies == 2
    rows = _rows(result.frame, "macro")
    row = rows.loc[news.start + timedelta(days=30)]
    assert row["stories"] == 1
    assert row["attention_raw"] == pytest.approx(0.8)
    assert row["stance"] == pytest.approx(-0.7)
    assert news.start + timedelta(days=31) not in rows.index


def test_as_of_hides_what_was_seen_later_and_keeps_the_past_unchanged(news):
    items = news.random(40)
    cut = news.start + timedelta(days=34)
    base = (news.start, news.start + timedelta(days=28))
    whole = _build(items, news, base=base).frame
    early = _build(items, news, base=base, as_of=cut).frame
    known = [item for item in items if item.article.first_seen_at <= cut]
    alone = _build(known, news, base=base, as_of=cut).frame
    pd.testing.assert_frame_equal(early, alone)
    values = ["attention", "stance", "pressure", "attention_raw", "pressure_raw"]
    past = whole[whole["period_start"] < cut - timedelta(days=1)].reset_index(drop=True)
    seen = early[early["period_start"] < cut - timedelta(days=1)].reset_index(drop=True)
    pd.testing.assert_frame_equal(past[values], seen[values])


def test_a_late_found_story_is_absent_from_the_vintage_before(news):
    base = news.random(30)
    day = news.start + timedelta(days=29)
    late = news.make(
        9999, day, probabilities={"macro": 1.0}, stances={"macro": -1.0}, seen_after=timedelta(10)
    )
    before = _build([*base, late], news, as_of=day + timedelta(days=5))
    after = _build([*base, late], news, as_of=day + timedelta(days=11))
    assert before.counts.not_yet_seen == 1
    count = _rows(after.frame, "macro")["stories"] - _rows(before.frame, "macro")["stories"]
    assert count.loc[day] == 1
    assert before.vintage != after.vintage


def test_future_news_never_changes_base_window_or_scale(news):
    items = news.random(50)
    first = [item for item in items if item.article.published_at < news.start + timedelta(days=35)]
    short, long = _build(first, news), _build(items, news)
    assert short.base == long.base
    assert short.scales == long.scales


def test_days_without_news_say_so(news):
    items = [
        item
        for item in news.random(40)
        if (item.article.published_at - news.start).days not in (35, 36)
    ]
    rows = _rows(_build(items, news).frame, "treasury")
    gap = rows.loc[news.start + timedelta(days=35) : news.start + timedelta(days=36)]
    assert list(gap["coverage"]) == ["none", "none"]
    columns = ["attention", "stance", "pressure", "lower", "upper", "attention_raw", "pressure_raw"]
    assert gap[columns].isna().all(axis=None)
    assert (gap["stories"] == 0).all()


def test_base_window_has_mean_zero_and_unit_deviation(news):
    frame = _build(news.random(60), news).frame
    for driver in ("etf_flows", "treasury", "leverage", "macro", "regulation"):
        base = _rows(frame, driver).query("in_base")
        assert len(base) == 28
        assert base["pressure"].mean() == pytest.approx(0, abs=1e-7)
        assert base["pressure"].std() == pytest.approx(1, abs=1e-7)
        assert base["attention"].mean() == pytest.approx(100, abs=1e-5)


def test_composite_is_the_mean_of_the_four_core_pressures(news):
    frame = _build(news.random(40), news).frame
    core = ["etf_flows", "treasury", "leverage", "macro"]
    four = [_rows(frame, name)["pressure"] for name in core]
    composite = _rows(frame, "composite")
    pd.testing.assert_series_equal(
        composite["pressure"], sum(four) / 4, check_names=False, atol=1e-8
    )
    assert (composite["lower"] < composite["upper"]).all()


def test_an_outlet_that_is_always_gloomy_does_not_move_the_index_by_publishing_more(news):
    """Two outlets with opposite habits; on the last day only the gloomy one writes, as ever."""
    items, number = [], 0
    random_state = np.random.default_rng(3)
    for day in range(31):
        for source, habit in (("Gloomy", -0.6), ("Cheery", 0.6)):
            if day == 30 and source == "Cheery":
                continue
            for _ in range(10):
                number += 1
                items.append(
                    news.make(
                        number,
                        news.start + timedelta(days=day, hours=8),
                        source=source,
                        probabilities={"macro": float(random_state.uniform(0.8, 1))},
                        stances={"macro": habit + float(random_state.normal(0, 0.1))},
                    )
                )
    result = _build(items, news)
    last = _rows(result.frame, "macro").iloc[-1]
    assert last["stance"] == pytest.approx(0, abs=0.1)
    effects = dict(zip(result.stories.outlets, result.effects.stance[:, 3], strict=True))
    assert effects["Gloomy"] == pytest.approx(-0.6, abs=0.05)


def test_by_asset_only_stories_that_name_it(news):
    result = _build(news.random(40), news, asset=("all", "BTC", "ETH"))
    stories = {
        asset: _rows(result.frame, "macro", asset)["stories"].sum()
        for asset in ("all", "BTC", "ETH")
    }
    assert stories["all"] == 480
    assert stories["BTC"] == int(result.stories.assets[:, 0].sum())
    assert stories["ETH"] == int(result.stories.assets[:, 1].sum())
    with pytest.raises(UsageError, match="DOGE"):
        _build(news.random(30), news, asset="DOGE")


def test_the_order_of_reading_leaves_no_trace(news, tmp_path: Path):
    items = news.random(35)
    shuffled = list(items)
    random.Random(4).shuffle(shuffled)
    for suffix in ("csv", "parquet"):
        one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
        _build(items, news).write(one)
        _build(shuffled, news).write(two)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    "change", ["record", "as_of", "base", "replicates", "frequency", "half_life"]
)
def test_the_vintage_changes_with_every_input(news, change):
    items = news.random(35)
    first = _build(items, news)
    more = {
        "as_of": {"as_of": LATER + timedelta(days=1)},
        "base": {"base": (news.start, news.start + timedelta(days=27))},
        "replicates": {"replicates": 51},
        "frequency": {"frequency": "W"},
        "half_life": {"half_life": timedelta(hours=6)},
    }.get(change, {})
    if change == "record":
        items[0] = news.make(0, items[0].article.published_at, probabilities={"macro": 0.123})
    assert _build(items, news, **more).vintage != first.vintage


def test_written_files_are_read_back(news, tmp_path: Path):
    result = _build(news.random(35), news, asset=("all", "BTC"))
    for name in ("index.csv", "index.parquet"):
        result.write(tmp_path / name)
        read = narrative.read_frame(tmp_path / name)
        pd.testing.assert_frame_equal(
            read, result.whole(), check_dtype=False, check_exact=False, atol=1e-9
        )
    with pytest.raises(UsageError, match="suffix"):
        result.write(tmp_path / "index.xlsx")
    with pytest.raises(InputError, match="there is no index file"):
        narrative.read_frame(tmp_path / "absent.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column period_start"):
        narrative.read_frame(tmp_path / "other.csv")


def test_the_band_covers_at_its_rate(news):
    """Days drawn from one law: the bands hold the law's pressure in about 90% of the days."""
    rng = np.random.default_rng(11)
    days, a_day, outlets = 150, 30, 8
    habit = rng.normal(0, 0.15, size=(days, outlets))
    items = []
    for number in range(days * a_day):
        day, outlet = number // a_day, int(rng.integers(outlets))
        chance = float(rng.choice([0.95, 0.9, 0.1, 0.05]))
        stance = float(np.clip(-0.3 + habit[day, outlet] + rng.normal(0, 0.3), -1, 1))
        items.append(
            news.make(
                number,
                news.start + timedelta(days=day, minutes=number % a_day),
                source=f"Outlet {outlet}",
                probabilities={"macro": chance},
                stances={"macro": stance} if chance > 0.5 else {},
            )
        )
    result = _build(items, news, replicates=300)
    rows = _rows(result.frame, "macro")
    scale = result.scales["all", "macro"]
    truth = (0.5 * -0.3 - scale.pressure_mean) / scale.pressure_deviation
    inside = ((rows["lower"] <= truth) & (truth <= rows["upper"])).mean()
    assert 0.84 <= inside <= 0.97


def test_one_story_alone_has_no_band(news):
    day = news.start + timedelta(days=30)
    lonely = news.make(1, day, probabilities={"etf_flows": 1.0}, stances={"etf_flows": 1.0})
    row = _rows(_build([*_quiet_base(news), lonely], news).frame, "etf_flows").loc[day]
    assert np.isfinite(row["pressure"])
    assert np.isnan(row["lower"])
    assert np.isnan(row["upper"])


def test_a_driver_that_no_story_tells_has_no_band_and_says_so(news):
    day = news.start + timedelta(days=30)
    other = [
        news.make(number, day, source=f"Outlet {number}", probabilities={"macro": 0.9})
        for number in range(3)
    ]
    row = _rows(_build([*_quiet_base(news), *other], news).frame, "etf_flows").loc[day]
    assert (row["coverage"], row["tagged"], row["pressure_raw"]) == ("untold", 0, 0.0)
    assert np.isnan([row["lower"], row["upper"], row["stance"]]).all()


def _leverage(news, number, moment, stance, **more):
    more = {"probabilities": {"leverage": 1.0}, "stances": {"leverage": stance}} | more
    return news.make(number, moment, **more)


def _own_day(today, yesterday=()):
    """Stance of a day by least squares over (hour, stance, weight) of its and yesterday's stories.

    A story at hour h speaks with h / 24 of its own day and with the rest of the day before; each
    day's stance is held to neutral by the weight of three stories.
    """
    told = [(hour / 24, 2, *rest) for hour, *rest in today]
    told += [(hour / 24, 1, *rest) for hour, *rest in yesterday]
    rows = np.zeros((len(told), 3))
    for row, (share, day, _, _) in zip(rows, told, strict=True):
        row[day], row[day - 1] = share, 1 - share
    weights = np.array([weight for *_, weight in told])
    stances = np.array([stance for _, _, stance, _ in told])
    normal = rows.T @ (rows * weights[:, None]) + 3 * np.eye(3)
    return np.linalg.solve(normal, rows.T @ (weights * stances))[2]


def test_liquidations_told_in_the_morning_speak_of_the_day_before(news):
    """Half of the 24 hours before noon lie in the day, a sixth of those before four o'clock."""
    day = news.start + timedelta(days=30)
    items = [
        *_quiet_base(news),
        _leverage(news, 1, day + timedelta(hours=4), 1.0),
        _leverage(news, 2, day + timedelta(hours=12), -1.0),
    ]
    rows = _rows(_build(items, news).frame, "leverage")
    assert rows.loc[day]["stance"] == pytest.approx(_own_day([(4, 1.0, 1), (12, -1.0, 1)]))
    assert rows.loc[day]["attention_raw"] == pytest.approx(1.0)
    hourly = _rows(_build(items, news, frequency="h").frame, "leverage")
    assert hourly.loc[day + timedelta(hours=4)]["stance"] == 1.0
    weekly = _rows(_build(items, news, frequency="W").frame, "leverage")
    assert weekly.loc[news.start + timedelta(weeks=4)]["stance"] == pytest.approx(0.0)


def test_what_yesterdays_news_said_of_liquidations_does_not_count_again(news):
    """A fall told on its evening and again next morning, before an evening of shorts caught."""
    yesterday = news.start + timedelta(days=30)
    day = yesterday + timedelta(days=1)
    fall = [_leverage(news, n, yesterday + timedelta(hours=18 + n), -0.9) for n in range(5)]
    retold = [_leverage(news, 10 + n, day + timedelta(hours=2 + n), -0.9) for n in range(5)]
    turn = _leverage(news, 20, day + timedelta(hours=20), 0.6)

    def stance(*items):
        rows = _rows(_build([*_quiet_base(news), *items], news).frame, "leverage")
        return rows.loc[day]["stance"]

    told_before = [(18 + n, -0.9, 1) for n in range(5)]
    told = [(2 + n, -0.9, 1) for n in range(5)]
    assert stance(*fall, *retold) == pytest.approx(_own_day(told, told_before))
    assert stance(*fall, *retold, turn) == pytest.approx(
        _own_day([*told, (20, 0.6, 1)], told_before)
    )
    assert -0.1 < stance(*fall, *retold) < 0 < stance(*fall, *retold, turn)
    # Its own asset's index is told by its own stories.
    whole = _build([*_quiet_base(news), *fall, *retold], news, asset=("all", "BTC"))
    found = _rows(whole.frame, "leverage", "BTC")
    assert np.isnan(found.loc[day]["stance"])


def test_a_stance_of_leverage_stays_within_its_bounds(news):
    """Early and late stories that contradict each other are no proof of more than all."""
    day = news.start + timedelta(days=30)
    items = _quiet_base(news)
    for number in range(40):
        hour, stance = (10, -1.0) if number % 2 else (14, 1.0)
        items.append(_leverage(news, number, day + timedelta(hours=hour, minutes=number), stance))
    assert 0.9 < _rows(_build(items, news).frame, "leverage").loc[day]["stance"] <= 1.0


def test_a_story_that_states_liquidations_weighs_more_in_the_stance_of_leverage(news):
    noon = news.start + timedelta(days=30, hours=12)
    stated = news.amount("liquidation", -3e8, side="long")
    planned = news.amount("liquidation", 4e8, side="short", realised=False)
    items = [
        *_quiet_base(news),
        _leverage(news, 1, noon, -1.0, amounts=[stated]),
        _leverage(news, 2, noon, 1.0, amounts=[planned]),
    ]
    by_day = _own_day([(12, -1.0, 3), (12, 1.0, 1)])
    for frequency, period, stance in (
        ("D", noon - timedelta(hours=12), by_day),
        ("h", noon, (1 - 3) / (1 + 3)),
    ):
        row = _rows(_build(items, news, frequency=frequency).frame, "leverage").loc[period]
        assert row["stance"] == pytest.approx(stance)
        assert row["attention_raw"] == pytest.approx(1.0)


def test_a_half_life_lets_late_stories_count_more(news):
    day = news.start + timedelta(days=30)
    items = [
        *_quiet_base(news),
        news.make(1, day, probabilities={"macro": 1.0}, stances={"macro": 1.0}),
        news.make(2, day + timedelta(hours=12), probabilities={"macro": 0.5}),
    ]
    plain, fresh = (
        _rows(_build(items, news, half_life=half_life).frame, "macro").loc[day]
        for half_life in (None, timedelta(hours=12))
    )
    assert plain["attention_raw"] == pytest.approx(1.5 / 2)
    assert fresh["attention_raw"] == pytest.approx((1.0 + 2 * 0.5) / 3)
    assert fresh["stories"] == 2
    with pytest.raises(UsageError, match="half-life"):
        _build(items, news, half_life=timedelta(0))


def test_hourly_index_leaves_out_stories_that_state_only_their_day(news):
    items = news.random(6)
    items.append(news.make(7777, news.start + timedelta(days=2), flag=PublishedFlag.DAY_ONLY))
    result = _build(items, news, frequency="h")
    assert result.counts.day_only_stories == 1
    assert any("state only their day" in note for note in result.notes)
    assert _rows(result.frame, "macro")["stories"].sum() == len(items) - 1


def test_weeks_begin_on_monday(news):
    frame = _build(news.random(60), news, frequency="W").frame
    starts = frame["period_start"].drop_duplicates()
    assert (starts.dt.day_of_week == 0).all()
    assert len(starts) == 9


def test_off_topic_unread_and_failed_items_are_counted_not_used(news):
    items = news.random(35)
    items.append(news.make(5001, news.start, relevant=False))
    items.append(news.make(5002, news.start, relevant=None))
    failed = news.make(5003, news.start)
    items.append(type(failed)(failed.article, '{"id": "x", "schema": 2, "error": "too long"}'))
    counts = _build(items, news).counts
    assert (counts.off_topic_stories, counts.unread_language, counts.untagged) == (1, 1, 1)
    assert counts.stories == 35 * 12


def test_recaps_can_be_left_out(news):
    items = news.random(35)
    items.append(news.make(6001, news.start, title="Bitcoin falls 5% to $90,000"))
    assert _build(items, news).counts.stories == 421
    excluded = _build(items, news, exclude_recaps=True)
    assert (excluded.counts.stories, excluded.counts.recap_stories) == (420, 1)


def test_a_driver_without_variation_is_left_unscaled_and_said(news):
    result = _build([*_quiet_base(news), news.make(2, news.start + timedelta(days=5))], news)
    rows = _rows(result.frame, "security")
    assert set(rows["coverage"]) == {"unscaled", "none"}
    assert rows["pressure"].isna().all()
    assert any(note.startswith("security (all)") for note in result.notes)


def test_refusals_are_clear(news):
    with pytest.raises(StudyError, match="no story"):
        _build([], news)
    with pytest.raises(StudyError, match="fewer than 3 periods"):
        _build([news.make(1, news.start)], news)
    with pytest.raises(StudyError, match="other@1"):
        _build([*news.random(30), news.make(9, news.start, model="other@1")], news)
    with pytest.raises(UsageError, match="frequency"):
        _build(news.random(5), news, frequency="M")


def test_week_bounds():
    now = datetime(2025, 12, 1, tzinfo=UTC)
    start, end = narrative.week_bounds("2025-W47", now=now)
    assert (start, end) == (
        datetime(2025, 11, 17, tzinfo=UTC),
        datetime(2025, 11, 24, tzinfo=UTC),
    )
    assert narrative.week_name(end - timedelta(seconds=1)) == "2025-W47"
    for bad in ("2025-47", "W47", "2025-W54", "2025-W00", "2026-W10"):
        with pytest.raises(UsageError):
            narrative.week_bounds(bad, now=now)


def test_a_thin_beginning_is_left_out_and_said(news):
    """Four articles of a year before must not become the base window of everything after."""
    long_before = [
        news.make(
            90_000 + number,
            news.start - timedelta(days=300 - 40 * number),
            probabilities={"macro": 0.9},
            stances={"macro": -0.5},
        )
        for number in range(4)
    ]
    dense = news.random(60)
    both = _build([*long_before, *dense], news)
    assert timedelta(0) <= news.start - both.base[0] < timedelta(weeks=1)
    assert any(note.startswith("4 stories before") for note in both.notes)
    assert both.counts.stories == len(dense)
    assert both.frame["period_start"].min() >= news.start
    assert both.frame.query("driver == 'macro'")["pressure"].notna().all()
