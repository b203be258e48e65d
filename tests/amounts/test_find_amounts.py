"""Amounts as a reader would list them, in sentences written for these tests."""

from __future__ import annotations

import cProfile
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.amounts import find_amounts

TUESDAY = datetime(2025, 11, 18, 9, 30, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared"


def read(title: str, text: str | None = None) -> list[tuple[str, float, str]]:
    return [(one.kind, one.value, one.unit) for one in find_amounts(title, text, TUESDAY)]


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("$3.79B", 3.79e9, "USD"),
        ("3.79 billion dollars", 3.79e9, "USD"),
        ("US$3,790mn", 3.79e9, "USD"),
        ("$3,790,000,000", 3.79e9, "USD"),
        ("$ 50 million", 5e7, "USD"),
        ("nearly half a billion dollars", 5e8, "USD"),
        ("€161.3 million", 1.613e8, "EUR"),
        ("£1 billion", 1e9, "GBP"),
        ("A$153.4 million", 1.534e8, "AUD"),
        ("60 million SEK", 6e7, "SEK"),
        ("¥5 billion", 5e9, "JPY"),
        ("900 million yen", 9e8, "JPY"),
        ("12K ETH", 12_000, "ETH"),
        ("455 more bitcoins", 455, "BTC"),
        ("half a million BTC", 500_000, "BTC"),
        ("2.5M $SOL", 2.5e6, "SOL"),
    ],
)
def test_notations_of_a_figure(written: str, value: float, unit: str) -> None:
    title = f"Spot crypto ETFs recorded {written} in net inflows"
    assert read(title) == [("net_flow", pytest.approx(value), unit)]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Bitcoin ETFs lose $870 million in a day", [("net_flow", -8.7e8, "USD")]),
        ("$157M leaves spot ether ETFs as streak ends", [("net_flow", -1.57e8, "USD")]),
        ("Ether funds pull in $296M", [("net_flow", 2.96e8, "USD")]),
        ("BlackRock ETF buys 9,680 ETH", [("net_flow", 9_680, "ETH")]),
        (
            "Spot bitcoin ETFs saw $2.1B of trading volume and $220M of outflows",
            [("net_flow", -2.2e8, "USD")],
        ),
        (
            "Strategy adds 8,178 BTC for $836M",
            [("buy", 8_178, "BTC"), ("buy", 8.36e8, "USD")],
        ),
        (
            "Metaplanet buys 1,004 BTC (~$104M), lifts its holdings to 7,800 BTC",
            [("buy", 1_004, "BTC"), ("buy", 1.04e8, "USD"), ("hold", 7_800, "BTC")],
        ),
        ("Miner sells 280 BTC to pay down debt", [("sell", -280, "BTC")]),
        ("Bhutan's government offloads 500 bitcoin", [("sell", -500, "BTC")]),
        ("Strategy prices $2 billion preferred stock offering", [("raise", 2e9, "USD")]),
        (
            "Semiconductor firm raises $384M to build a bitcoin treasury",
            [("raise", 3.84e8, "USD")],
        ),
        ("$308M in longs liquidated as bitcoin slides", [("liquidation", -3.08e8, "USD")]),
        ("Bitcoin jumps, $800M of shorts liquidated", [("liquidation", 8e8, "USD")]),
        ("Bitcoin open interest drops $1 billion", [("open_interest", -1e9, "USD")]),
        ("Bitcoin open interest drops to $33 billion", [("open_interest", 3.3e10, "USD")]),
        ("Fed cuts rates by 25 basis points", [("rate", -25, "bp")]),
        ("ECB hikes rates by 50bps", [("rate", 50, "bp")]),
        ("Fed delivers quarter-point cut", [("rate", -25, "bp")]),
        ("Bank of England lifts its benchmark rate to 4.75%", [("rate", 4.75, "%")]),
    ],
)
def test_kind_and_sign(title: str, expected: list[tuple[str, float, str]]) -> None:
    assert read(title) == [(kind, pytest.approx(value), unit) for kind, value, unit in expected]


@pytest.mark.parametrize(
    "title",
    [
        "Bitcoin climbs above $105,000 as ETF optimism returns",
        "Ether ETFs reach $12 billion in assets under management",
        "Bitcoin market cap tops $2 trillion",
        "Exchange loses $230M in hack",
        "Court fines exchange $50 million",
        "Start-up raises $40M in Series A round for its bitcoin wallet",
        "Bankrupt lender's estate begins liquidation of $300 million in assets",
        "Exchange inflows of $400 million hint at selling",
        "Whale buys 1,500 BTC",
        "Kraken acquires trading platform for $1.5 billion",
        "Analyst sees bitcoin at $200,000",
        "Inflation eases to 2.4%",
        "Eleven bitcoin ETFs and 30 mining firms attend",
        "BTC perpetual funding rate hits 13.7%",
        "Wisconsin sells its entire $350M spot bitcoin ETF stake",
    ],
)
def test_what_is_no_amount(title: str) -> None:
    assert read(title) == []


def test_range_gives_both_ends() -> None:
    title = "Bitcoin ETFs could attract $1.2-$1.5 billion of inflows"
    found = find_amounts(title, None, TUESDAY)
    assert [one.value for one in found] == [1.2e9, 1.5e9]
    assert not any(one.realised for one in found)


@pytest.mark.parametrize(
    ("title", "realised"),
    [
        ("Strategy buys $500M of bitcoin", True),
        ("Strategy plans to buy $500M of bitcoin", False),
        ("Strategy could buy $500M of bitcoin", False),
        ("Bitcoin ETFs could see $3 billion of inflows", False),
        ("Bitcoin could hit $150,000 as ETF inflows pass $3 billion", True),
        ("If bitcoin falls below $90,000, $500M of longs would be liquidated", False),
        ("Spot ether ETFs to draw $10 billion of inflows, forecasts analyst", False),
        ("The trading day of May 6 saw bitcoin ETF outflows of $86.4 million", True),
        ("Bitcoin ETFs may see $86.4 million of outflows", False),
    ],
)
def test_told_as_fact_or_plan(title: str, realised: bool) -> None:
    assert {one.realised for one in find_amounts(title, None, TUESDAY)} == {realised}


@pytest.mark.parametrize(
    ("title", "side"),
    [
        ("$308M in longs liquidated", "long"),
        ("Rally wipes out $426M in short liquidations", "short"),
        ("$1 billion in crypto liquidations", "total"),
        ("$500M in long and short liquidations", "total"),
        ("Bulls lose out: $90M of bullish bets liquidated", "long"),
    ],
)
def test_side_of_a_liquidation(title: str, side: str) -> None:
    (found,) = find_amounts(title, None, TUESDAY)
    assert found.side == side
    assert (found.value > 0) == (side == "short")


@pytest.mark.parametrize(
    ("words", "period"),
    [
        ("on Thursday", "2025-11-13"),
        ("on Tuesday", "2025-11-18"),
        ("yesterday", "2025-11-17"),
        ("on Nov. 13", "2025-11-13"),
        ("on November 13th, 2024", "2024-11-13"),
        ("on 13 December", "2024-12-13"),
        ("last week", "2025-11-10/2025-11-16"),
        ("this week", "2025-11-17/2025-11-18"),
        ("in the week ended Nov. 14", "2025-11-10/2025-11-14"),
        ("between November 3 and November 7", "2025-11-03/2025-11-07"),
        ("in November", "2025-11"),
        ("in December", "2024-12"),
        ("in October 2023", "2023-10"),
        ("last month", "2025-10"),
        ("in Q3", "2025-07-01/2025-09-30"),
        ("year to date", "2025-01-01/2025-11-18"),
        ("over a five-day streak", "2025-11-11/2025-11-17"),
        ("since mid-October", "2025-10-15/2025-11-18"),
    ],
)
def test_period_is_resolved_by_the_day_of_publication(words: str, period: str) -> None:
    title = f"Spot bitcoin ETFs took in $600 million {words}"
    (found,) = find_amounts(title, None, TUESDAY)
    assert found.period == period
    (undated,) = find_amounts(title, None, None)
    assert undated.period is None


def test_a_ranking_is_no_period() -> None:
    (found,) = find_amounts("Bitcoin ETFs see $1B of inflows, the most since May", None, TUESDAY)
    assert found.period is None


@pytest.mark.parametrize(
    ("title", "assets"),
    [
        ("Bitcoin ETFs gained $200M of inflows while ether ETFs lost $38M", ["BTC", "ETH"]),
        ("IBIT took in $300M", ["BTC"]),
        ("ETHA saw $50M of outflows", ["ETH"]),
        ("Bitcoin and ether ETFs pull in $520 million", ["all"]),
        ("Crypto funds see $1.9 billion of inflows", ["all"]),
        ("Forward firm buys 10,000 SOL", ["SOL"]),
    ],
)
def test_asset_spoken_of(title: str, assets: list[str]) -> None:
    assert [one.asset for one in find_amounts(title, None, TUESDAY)] == assets


def test_a_figure_told_twice_is_given_once_with_its_period() -> None:
    found = find_amounts(
        "Bitcoin ETFs shed $278 million",
        "Spot bitcoin ETFs had $278 million in net outflows on Monday.",
        TUESDAY,
    )
    assert [(one.value, one.field, one.period) for one in found] == [
        (-2.78e8, "text", "2025-11-17")
    ]


HOSTILE = [
    "",
    "\0" * 100,
    "🚀" * 500 + " bitcoin ETFs saw $5M of inflows",
    "<p>Bitcoin ETFs saw <b>$5 million</b> of inflows</p>",
    "\ud800 bitcoin ETFs saw $5M of inflows",
    "1" * 50_000,
    "1," * 50_000,
    "$" * 50_000,
    "(" * 50_000 + "5",
    "a quarter of a " * 5_000,
    "ETF $1m inflow " * 5_000,
    "may " * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_string_is_read_with_true_offsets(text: str) -> None:
    for one in find_amounts(text, text, TUESDAY):
        assert text[one.start : one.end] == one.text


def test_twice_the_text_is_twice_the_work() -> None:
    """Each figure once walked back over all sentences before it: a long list held up a server."""

    def calls(times: int) -> int:
        profile = cProfile.Profile()
        profile.runcall(find_amounts, None, "ETF $1m inflow " * times, TUESDAY)
        return sum(one.callcount for one in profile.getstats())

    calls(10)  # reads the grammar
    assert calls(4_000) < 2.2 * calls(2_000)


FRAGMENTS = [
    *("Bitcoin", "ETF", "inflow", "of", "$5M", "1,000", "BTC", "liquidated", "longs", "É", "if"),
    *("(~$3B)", "on", "Thursday", "\n", ".", ",", "25bps", "Strategy", "bought", "half", "a"),
    *("billion", "dollars", "5%", "rates", "\u00a0"),
]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=40,
    ).map(" ".join)
)
def test_offsets_always_reproduce_the_text(text: str) -> None:
    for one in find_amounts(text, text, TUESDAY):
        assert text[one.start : one.end] == one.text


def test_agreement_with_careful_readers() -> None:
    """F1 over the development items, with the rule that the figures are judged by."""
    gold_file = SHARED / "annotation" / "amounts-dev.jsonl"
    if not gold_file.exists():
        pytest.skip("needs ../shared/annotation/amounts-dev.jsonl")
    right = given_out = wanted = 0
    for line in gold_file.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        published = item["published_at"] and datetime.fromisoformat(item["published_at"])
        found = find_amounts(item["title"], item["text"], published)
        left = list(item["amounts"])
        given_out += len(found)
        wanted += len(left)
        for one in found:
            match = next(
                (
                    gold
                    for gold in left
                    if (gold["kind"], gold["unit"]) == (one.kind, one.unit)
                    and (gold["value"] < 0) == (one.value < 0)
                    and abs(gold["value"] - one.value) <= 0.01 * abs(gold["value"])
                ),
                None,
            )
            if match is not None:
                left.remove(match)
                right += 1
    assert 2 * right / (given_out + wanted) >= 0.92


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("Bitcoin ETFs lost a net $903.2 million on Thursday", -903.2e6),
        ("Bitcoin ETFs shed a net $222.9 million", -222.9e6),
        ("Ether funds lost net $90 million", -90e6),
        ("Bitcoin ETFs took in a net $320 million", 320e6),
    ],
)
def test_net_takes_its_sign_from_the_verb(sentence, value):
    amounts = find_amounts(sentence, None, None)
    assert [(one.kind, one.value) for one in amounts] == [("net_flow", value)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Harrow Capital's first fund saw about $58 million change hands on Thursday.",
        "About $70 million changed hands in the fund of Harrow Capital.",
    ],
)
def test_what_changes_hands_is_volume_and_no_funding(sentence):
    assert find_amounts(None, sentence, None) == ()
