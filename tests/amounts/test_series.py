"""Series from stored tags: which reports count, for which day, and what they agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from corpus.errors import InputError, UsageError
from corpus.records import Article, PublishedFlag
from nlp.amounts import find_amounts
from nlp.entities import find_entities
from nlp.records import TAG_SCHEMA, TagRecord
from nlp.series import build_series


@dataclass(frozen=True)
class Stored:
    article: Article
    record: str


def story(
    title: str, published: datetime, story_id: str | None = None, summary: str | None = None
) -> Stored:
    article = Article(
        id=title[:20],
        url="https://example.org/" + title[:20],
        title=title,
        text=None,
        summary=summary,
        source="Outlet",
        author=None,
        language="en",
        published_at=published,
        published_claimed=published,
        published_flag=PublishedFlag.EXACT,
        first_seen_at=published,
        updated_at=published,
        content_hash=title,
        story_id=story_id or title,
    )
    record = TagRecord(
        id=article.id,
        model="test@1",
        language="en",
        relevant=True,
        sentiment=None,
        drivers=(),
        uncertain=(),
        probabilities={},
        amounts=find_amounts(title, summary, published),
        entities=find_entities(title, summary),
    )
    return Stored(article, record.to_json())


TUESDAY = datetime(2025, 11, 18, 9, tzinfo=UTC)
WEDNESDAY = datetime(2025, 11, 19, 9, tzinfo=UTC)


def test_a_flow_told_in_the_morning_is_of_the_trading_day_before() -> None:
    (point,) = build_series([story("Bitcoin ETFs lose $254.5 million", TUESDAY)], "net_flow", "BTC")
    assert (point.date, point.value, point.unit) == (date(2025, 11, 17), -254.5e6, "USD")


def test_consensus_prefers_what_most_stories_tell_and_keeps_the_rest() -> None:
    items = [
        story("Spot bitcoin ETFs shed $254.5 million on Monday", TUESDAY),
        story("Bitcoin ETF outflows reach $255 million", TUESDAY),
        story("Bitcoin ETFs see $90 million of inflows", TUESDAY),
    ]
    (point,) = build_series(items, "net_flow", "BTC")
    assert point.value == -254.5e6
    assert (point.low, point.high) == (-255e6, 90e6)
    assert (point.reports, point.stories) == (3, 3)


def test_single_funds_weeks_sums_plans_and_other_coins_are_left_out() -> None:
    items = [
        story("IBIT takes in $300 million on Monday", TUESDAY),
        story("Bitcoin ETFs saw $2.75 billion of inflows last week", TUESDAY),
        story("Bitcoin ETFs reach $60 billion in cumulative inflows", TUESDAY),
        story("Bitcoin ETFs lose $1.2 billion in 3 days", TUESDAY),
        story("Bitcoin ETFs could see $500 million of inflows", TUESDAY),
        story("Ether ETFs lose $80 million on Monday", TUESDAY),
    ]
    assert build_series(items, "net_flow", "BTC") == ()


def test_a_weeks_sum_told_only_in_the_summary_is_no_days_flow() -> None:
    told = "Bitcoin ETFs took in $2.75 billion last week, the most since July."
    points = build_series([story("Demand is back", TUESDAY, summary=told)], "net_flow", "BTC")
    assert points == ()


def test_copies_of_a_story_are_one_report_behind_a_figure() -> None:
    copies = [
        story(f"Bitcoin ETFs see $90 million of inflows {i}", TUESDAY, "one") for i in range(4)
    ]
    others = [
        story("Bitcoin ETFs lose $254 million", TUESDAY),
        story("Bitcoin ETF outflows: $254 million gone", TUESDAY),
    ]
    (point,) = build_series([*copies, *others], "net_flow", "BTC")
    assert point.value == -254e6
    assert point.stories == 3


def test_weeks_and_liquidations_and_purchases() -> None:
    weekly = [story("Bitcoin ETFs saw $2.75 billion of inflows last week", TUESDAY)]
    (week,) = build_series(weekly, "net_flow", "BTC", "W")
    assert (week.date, week.value) == (date(2025, 11, 10), 2.75e9)

    crash = [story("$600M of crypto longs liquidated", WEDNESDAY)]
    (day,) = build_series(crash, "liquidation", "all", side="long")
    assert (day.date, day.value) == (date(2025, 11, 19), -6e8)

    deals = [
        story("Strategy buys 8,178 BTC", TUESDAY),
        story("Strategy acquires another 8,178 bitcoin", TUESDAY),
        story("Metaplanet buys 1,004 BTC", TUESDAY),
    ]
    (bought,) = build_series(deals, "buy", "BTC", unit="BTC")
    assert bought.value == 9_182


def test_amounts_in_the_titles_of_linked_stories_are_left_out() -> None:
    text = "Prices rose. Related: Bitcoin ETFs see $500 million of inflows"
    item = story("Bitcoin ETFs lose $254 million", TUESDAY, summary=text)
    (point,) = build_series([item], "net_flow", "BTC")
    assert (point.value, point.reports) == (-254e6, 1)


def test_deals_of_one_holder_are_its_own_and_no_holdings() -> None:
    wednesday = TUESDAY.replace(day=19)
    items = [
        story("Strategy buys 8,178 BTC", TUESDAY),
        story("Strategy now has bought 649,870 BTC", TUESDAY),
        story("Strategy's holdings reach 649,870 BTC", wednesday),
        story("Strategy acquires 8,178 bitcoin while Metaplanet buys 1,004 BTC", TUESDAY),
    ]
    (bought,) = build_series(items, "buy", "BTC", unit="BTC", holder="strategy")
    assert (bought.value, bought.high, bought.date) == (8_178, 8_178, date(2025, 11, 18))
    (other,) = build_series(items, "buy", "BTC", unit="BTC", holder="metaplanet")
    assert other.value == 1_004


def test_a_deal_looked_back_on_is_not_told_as_a_new_one() -> None:
    items = [story(f"Strategy buys 245 BTC, desk {desk} says", TUESDAY) for desk in range(2)]
    later = TUESDAY.replace(day=25)
    items += [
        *(story(f"Strategy bought 245 BTC before, desk {desk} recalls", later) for desk in "abc"),
        story("Strategy buys 4,980 BTC", later),
    ]
    points = build_series(items, "buy", "BTC", unit="BTC", holder="strategy")
    assert [(one.date.day, one.value) for one in points] == [(18, 245), (25, 4_980)]


def test_an_aggregate_is_of_all_funds_though_one_is_named_behind_it() -> None:
    title = "Bitcoin funds saw an aggregate outflow of $86 million as GBTC shed $90 million"
    first, second = find_amounts(title, None, TUESDAY)
    assert [one.scope.funds for one in (first, second)] == ["all", "one"]


def test_unknown_frequency_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown frequency"):
        build_series([], "net_flow", "BTC", "monthly")


@pytest.mark.parametrize(
    ("title", "funds", "length"),
    [
        ("Bitcoin ETFs lose $254 million on Monday", "all", "day"),
        ("BlackRock and Fidelity lead $431 million of bitcoin ETF inflows", "all", "untold"),
        ("BlackRock's bitcoin ETF saw $300 million of inflows", "one", "untold"),
        ("FBTC lost $80 million on Monday", "one", "day"),
        ("Bitcoin ETFs took in $4.2 billion over ten consecutive days", "all", "days"),
        ("Bitcoin ETFs saw $2 billion of inflows last week", "all", "week"),
        ("Bitcoin ETFs saw $1.8 billion of inflows in the past", "all", "days"),
        ("Bitcoin ETFs saw cumulative net inflows of $142 million on May 7", "all", "day"),
        ("Bitcoin ETFs saw cumulative net inflows of $42 billion as of May 7", "all", "cumulative"),
        ("Bitcoin ETFs reach $60 billion in cumulative inflows", "all", "cumulative"),
        ("Bitcoin ETFs took in $5 billion in May", "all", "month"),
        ("Bitcoin ETFs saw inflows, with $36 million piling into the fund", "one", "untold"),
        ("ETHA led ether ETFs with $80 million of inflows", "one", "untold"),
        (
            "Bitcoin ETFs gained $2 billion last week. Ether ETFs drew $248 million in that same"
            " period.",
            "all",
            "week",
        ),
    ],
)
def test_scope_of_a_flow(title: str, funds: str, length: str) -> None:
    scope = find_amounts(None, title, TUESDAY)[-1].scope
    assert (scope.funds, scope.length) == (funds, length)


def test_what_the_same_period_is_ends_with_the_paragraph() -> None:
    week = "Bitcoin ETFs gained $2 billion last week."
    same = "Ether ETFs drew $248 million in that same period."
    for between, length in ((" ", "week"), ("\n", "week"), ("\n\n", "untold")):
        assert find_amounts(None, week + between + same, TUESDAY)[-1].scope.length == length


def test_only_flows_have_a_scope_and_reports_on_all_products_are_told_apart() -> None:
    text = "Bitcoin products took in $2 billion, CoinShares says. Strategy buys 8,178 BTC."
    flow, deal = find_amounts("Demand is back", text, TUESDAY)
    assert (flow.scope.length, flow.scope.products, deal.scope) == ("week", True, None)
    (other,) = find_amounts("Bitcoin ETFs lose $254 million", None, TUESDAY)
    assert not other.scope.products


def test_a_record_of_another_schema_is_refused_with_what_to_do() -> None:
    item = story("Bitcoin ETFs lose $254.5 million", TUESDAY)
    older = Stored(item.article, item.record.replace(f'"schema":{TAG_SCHEMA}', '"schema":1'))
    with pytest.raises(InputError, match="has schema 1, not 2") as refused:
        build_series([older], "net_flow", "BTC")
    assert "undertow tag --db" in refused.value.remedy


def test_dates_in_a_list_of_weekly_figures_name_weeks() -> None:
    text = (
        "Weekly flows of bitcoin ETFs turned: Nov. 14 saw $600 million, Nov. 7 $930 million and"
        " Oct. 31 $1.8 billion of inflows."
    )
    items = [story("Demand cools", TUESDAY, summary=text)]
    assert build_series(items, "net_flow", "BTC") == ()
    assert [one.date for one in build_series(items, "net_flow", "BTC", "W")] == [
        date(2025, 10, 27),
        date(2025, 11, 3),
    ]


def test_a_day_whose_flow_is_undone_is_not_the_day_of_what_undoes_it() -> None:
    title = "Ether ETFs reversed Friday's outflow, pulling in $21.4 million"
    (point,) = build_series([story(title, TUESDAY)], "net_flow", "ETH")
    assert (point.date, point.value) == (date(2025, 11, 17), 21.4e6)


@pytest.mark.parametrize(
    "title",
    [
        "Bitcoin ETFs, with inflows of $105 billion, are a success",
        "On Monday the inflows of bitcoin ETFs stood at $46.3 billion",
    ],
)
def test_a_flow_that_no_day_can_bring_is_no_days_flow(title: str) -> None:
    assert find_amounts(title, None, TUESDAY)
    assert build_series([story(title, TUESDAY)], "net_flow", "BTC") == ()


# The week of Monday 10 November 2025, whose Wednesday no story tells.
_WEEK = {10: -120.5, 11: 240.2, 13: -310.4, 14: 95.1}


def _told_week(*, desks: int = 2, total: str = "lost $45.3 million", days=_WEEK) -> list[Stored]:
    """Stories of so many desks on each told day, then two on the week."""
    items = [
        story(
            f"Bitcoin ETFs {'lose' if flow < 0 else 'take in'} ${abs(flow)} million, desk {desk}",
            datetime(2025, 11, day + 1, 9, tzinfo=UTC),
        )
        for day, flow in days.items()
        for desk in range(desks)
    ]
    monday = datetime(2025, 11, 17, 9, tzinfo=UTC)
    return items + [story(f"Bitcoin ETFs {total} last week, desk {d}", monday) for d in "ab"]


def test_a_day_that_no_story_tells_is_what_the_week_leaves_of_it() -> None:
    points = build_series(_told_week(), "net_flow", "BTC")
    assert [one.date.day for one in points] == [10, 11, 12, 13, 14]
    derived = points[2]
    assert derived.value == pytest.approx(50.3e6)
    # Marked by the lack of a report of its own; known to within the rounding of five figures.
    assert (derived.reports, derived.stories) == (0, 2)
    assert (derived.low, derived.high) == (pytest.approx(50.05e6), pytest.approx(50.55e6))
    assert all(one.reports for one in points if one is not derived)


def test_a_told_day_is_never_derived() -> None:
    wednesday = story("Bitcoin ETFs lose $7 million", datetime(2025, 11, 13, 9, tzinfo=UTC))
    points = build_series([*_told_week(), wednesday], "net_flow", "BTC")
    assert [(one.value, one.reports) for one in points if one.date.day == 12] == [(-7e6, 1)]


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(_told_week(desks=1), id="other days told once"),
        pytest.param(_told_week()[:-1], id="week told once"),
        pytest.param(_told_week(total="took in $1 billion"), id="week too coarse"),
        pytest.param(_told_week(days={10: -120.5, 11: 240.2, 14: 95.1}), id="two days missing"),
        pytest.param(
            [
                *_told_week()[:-2],
                *(
                    story(
                        f"Bitcoin products lost $45.3 million last week, CoinShares says, desk {d}",
                        datetime(2025, 11, 17, 9, tzinfo=UTC),
                    )
                    for d in "ab"
                ),
            ],
            id="week of all products",
        ),
    ],
)
def test_a_day_is_not_derived_from_what_may_be_wrong(items: list[Stored]) -> None:
    points = build_series(items, "net_flow", "BTC")
    assert 12 not in [one.date.day for one in points]


def test_a_running_week_leaves_its_missing_day() -> None:
    friday = datetime(2025, 11, 14, 9, tzinfo=UTC)
    items = [
        one
        for one in _told_week()[:-2]
        if one.article.published_at < friday.replace(day=15, hour=0)
    ]
    items += [story(f"Bitcoin ETFs lost $140.4 million this week, desk {d}", friday) for d in "ab"]
    points = build_series(items, "net_flow", "BTC")
    assert {one.date.day: round(one.value / 1e6, 1) for one in points if not one.reports} == {
        12: 50.3
    }


@pytest.mark.parametrize(
    ("published", "day"),
    [
        pytest.param(datetime(2025, 7, 7, 9, tzinfo=UTC), date(2025, 7, 3), id="independence"),
        pytest.param(datetime(2025, 5, 27, 9, tzinfo=UTC), date(2025, 5, 23), id="memorial"),
        pytest.param(datetime(2024, 4, 1, 9, tzinfo=UTC), date(2024, 3, 28), id="good friday"),
        pytest.param(datetime(2025, 11, 28, 9, tzinfo=UTC), date(2025, 11, 26), id="thanksgiving"),
        pytest.param(datetime(2025, 1, 10, 9, tzinfo=UTC), date(2025, 1, 8), id="mourning"),
        pytest.param(datetime(2021, 6, 21, 9, tzinfo=UTC), date(2021, 6, 18), id="no holiday yet"),
        pytest.param(datetime(2026, 7, 6, 9, tzinfo=UTC), date(2026, 7, 2), id="moved to friday"),
    ],
)
def test_a_holiday_of_the_exchanges_is_no_trading_day(published: datetime, day: date) -> None:
    (point,) = build_series(
        [story("Bitcoin ETFs lose $254.5 million", published)], "net_flow", "BTC"
    )
    assert point.date == day


def test_a_flow_told_a_day_late_is_still_the_day_befores() -> None:
    items = [
        *(story(f"Ether ETFs take in $240.3 million on Monday, desk {d}", TUESDAY) for d in "ab"),
        story("Ether ETFs took in $240.3 million yesterday, a trader said", WEDNESDAY),
        story("Ether ETFs take in $112 million", WEDNESDAY),
    ]
    points = build_series(items, "net_flow", "ETH")
    assert [(one.date.day, one.value) for one in points] == [(17, 240.3e6), (18, 112e6)]


def test_a_weeks_sum_that_others_name_is_no_days_flow() -> None:
    items = [
        *(story(f"Ether ETFs took in $205 million last week, desk {d}", TUESDAY) for d in "ab"),
        story("Ether ETFs see $205 million of inflows after the upgrade", TUESDAY),
    ]
    assert build_series(items, "net_flow", "ETH") == ()


def test_a_sum_from_one_weekday_to_another_is_no_days_flow() -> None:
    thursday = datetime(2025, 11, 20, 9, tzinfo=UTC)
    for span in ("from Monday to Wednesday", "between Monday and Wednesday"):
        title = f"Bitcoin ETFs lost $1.2 billion {span}"
        (amount,) = find_amounts(title, None, thursday)
        assert amount.period == "2025-11-17/2025-11-19"
        assert build_series([story(title, thursday)], "net_flow", "BTC") == ()


@pytest.mark.parametrize(
    ("which", "period"),
    [("last", "2025-10-25/2025-10-31"), ("first", "2025-10-01/2025-10-07")],
)
def test_a_week_of_a_month_is_not_the_week_before(which: str, period: str) -> None:
    title = f"Bitcoin ETFs took in $3 billion in the {which} week of October"
    (amount,) = find_amounts(title, None, TUESDAY)
    assert amount.period == period
