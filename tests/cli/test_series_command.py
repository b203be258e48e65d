"""A series from the news through the command: store in, table, JSON and files out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from corpus.records import FoundArticle
from corpus.store import Store
from nlp.amounts import find_amounts
from nlp.entities import find_entities
from nlp.records import AmountKind, TagFailure, TagRecord
from nlp.series import COLUMNS
from nlp.study import read_series
from nlp.study.series import checked_series

MODEL = "hand@1"
TUESDAY = datetime(2025, 11, 18, 9, tzinfo=UTC)
WEDNESDAY = TUESDAY + timedelta(days=1)
# Reports of a day that agree and one that does not; then a single fund, a week and a plan.
NEWS = (
    ("Spot bitcoin ETFs shed $254.5 million on Monday", TUESDAY),
    ("Bitcoin ETF outflows reach $255 million", TUESDAY),
    ("Bitcoin ETFs see $90 million of inflows", TUESDAY),
    ("IBIT takes in $300 million on Monday", TUESDAY),
    ("Bitcoin ETFs saw $2.75 billion of inflows last week", TUESDAY),
    ("Bitcoin ETFs could see $500 million of inflows", TUESDAY),
    ("Bitcoin ETFs lose $372.8 million on Tuesday", WEDNESDAY),
    ("Strategy buys 8,178 BTC", TUESDAY),
    ("Metaplanet buys 1,004 BTC", TUESDAY),
    ("$600M of crypto longs liquidated", WEDNESDAY),
    ("FBTC takes in 80 million euros", WEDNESDAY),
)
FLOWS = ("series", "--kind", "net_flow", "--asset", "BTC")


def _store(url: str, news=NEWS, *, seen_at: datetime | None = None) -> None:
    """A store of those titles, tagged by the rules for amounts and entities alone."""
    with Store.open(url) as store:
        for number, (title, published) in enumerate(news):
            one = FoundArticle(
                url=f"https://outlet.example/{published:%d}-{number}",
                title=title,
                source=f"Outlet {number}",
                published_at=published,
            )
            store.add([one], seen_at=seen_at or published)
        store.put_tags(
            MODEL,
            [
                (
                    article.id,
                    TagRecord(
                        id=article.id,
                        model=MODEL,
                        language="en",
                        relevant=True,
                        sentiment=None,
                        drivers=(),
                        uncertain=(),
                        probabilities={},
                        amounts=find_amounts(article.title, None, article.published_at),
                        entities=find_entities(article.title, None),
                    ).to_json(),
                )
                for article in store.articles()
            ],
        )


@pytest.fixture(scope="module")
def flows_url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('flows') / 'news.db'}"
    _store(url)
    return url


def test_flows_are_of_the_day_told_and_disagreement_is_kept(undertow, flows_url):
    told = undertow(*FLOWS, "--db", flows_url, "--json").data()
    assert told["points"] == [
        {
            "date": "2025-11-17",
            "value": -254.5e6,
            "unit": "USD",
            "reports": 3,
            "low": -255e6,
            "high": 90e6,
            "stories": 3,
        },
        {
            "date": "2025-11-18",
            "value": -372.8e6,
            "unit": "USD",
            "reports": 1,
            "low": -372.8e6,
            "high": -372.8e6,
            "stories": 1,
        },
    ]
    assert (told["model"], told["rows"], told["output"]) == (MODEL, 2, None)


def test_the_terminal_shows_a_table(undertow, flows_url):
    outcome = undertow(*FLOWS, "--db", flows_url)
    assert outcome.code == 0
    heading, titles, first, second, last = outcome.out.splitlines()
    assert heading == "Net flow by day, BTC in USD"
    assert titles.split() == ["date", "value", "low", "high", "reports", "stories"]
    assert first.split() == ["2025-11-17", "−254,500,000", "−255,000,000", "90,000,000", "3", "3"]
    assert second.split()[:2] == ["2025-11-18", "−372,800,000"]
    assert last.startswith("2 days with a report, 2025-11-17 to 2025-11-18; as of ")
    assert last.endswith(f"; {MODEL}.")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_holds_the_contract_and_is_one_for_the_study(undertow, flows_url, root, suffix):
    path = Path(f"btc_etf_net_flow{suffix}")
    outcome = undertow(*FLOWS, "--db", flows_url, "-o", path)
    assert outcome.code == 0
    assert outcome.out.endswith(f"Series: {path}\n")
    frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert tuple(frame.columns) == COLUMNS
    contracts = (root / "docs/contracts.md").read_text(encoding="utf-8")
    section = contracts[contracts.index("## Series from the news (schema 1)") :]
    table = section[: section.index("\n## ")]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    assert tuple(name for row in rows for name in re.findall(r"`(\w+)`", row)) == COLUMNS
    series, notes = checked_series(read_series([path]))
    assert notes == ()
    assert series["btc_etf_net_flow"].values.tolist() == [-254.5e6, -372.8e6]
    assert list(Path().iterdir()) == [path], "something was left beside the file"


def test_the_same_store_gives_the_same_bytes(undertow, flows_url):
    for name in ("one.csv", "two.csv"):
        undertow(*FLOWS, "--db", flows_url, "-o", name)
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--kind", "net_flow", "--asset", "BTC", "--freq", "W"), ("2025-11-10", 2.75e9)),
        (("--kind", "liquidation", "--side", "long"), ("2025-11-19", -6e8)),
        (("--kind", "buy", "--asset", "BTC", "--unit", "BTC"), ("2025-11-18", 9_182)),
    ],
)
def test_weeks_sides_and_deals(undertow, flows_url, options, expected):
    outcome = undertow("series", *options, "--db", flows_url, "--json")
    assert outcome.code == 0
    (point,) = outcome.data()["points"]
    assert (point["date"], point["value"]) == expected


@pytest.mark.parametrize("company", ["Strategy", "MSTR", "microstrategy"])
def test_deals_of_one_company_by_name_or_ticker(undertow, flows_url, company):
    deals = ("series", "--kind", "buy", "--asset", "BTC", "--unit", "BTC", "--holder", company)
    told = undertow(*deals, "--db", flows_url, "--json").data()
    assert [(one["date"], one["value"], one["high"]) for one in told["points"]] == [
        ("2025-11-18", 8_178, 8_178)
    ]
    assert told["holder"] == "strategy"
    shown = undertow(*deals, "--db", flows_url)
    assert shown.out.splitlines()[0] == "Buy by day, BTC in BTC by strategy"


def test_since_and_until_choose_by_publication(undertow, flows_url):
    def days(*options):
        told = undertow(*FLOWS, *options, "--db", flows_url, "--json").data()
        return [point["date"] for point in told["points"]]

    assert days("--until", "2025-11-19") == ["2025-11-17"]
    assert days("--since", "2025-11-19") == ["2025-11-18"]


def test_only_what_had_been_seen_by_then_counts(undertow):
    _store("sqlite:///own.db", NEWS[:1])
    corrections = (
        "Bitcoin ETFs lost $400 million on Monday",
        "Late filings: Monday took $400 million out of spot bitcoin ETFs, the sponsors now report",
        "Last night's figures were too low: bitcoin ETF outflows were $400 million on Monday",
    )
    _store("sqlite:///own.db", [(title, WEDNESDAY) for title in corrections])

    def value(*options):
        outcome = undertow(*FLOWS, *options, "--db", "sqlite:///own.db", "--json")
        return outcome.data()["points"][0]["value"]

    assert value("--as-of", "2025-11-18T12:00Z") == -254.5e6
    assert value() == -400e6


def test_the_tags_of_another_model_can_be_read(undertow, flows_url, one_line):
    named = undertow(*FLOWS, "--tags-of", MODEL, "--db", flows_url, "--json")
    assert named.data()["model"] == MODEL
    unknown = undertow(*FLOWS, "--tags-of", "other@2", "--db", flows_url)
    assert unknown.code == 2
    assert MODEL in one_line(unknown)


def test_an_article_that_could_not_be_tagged_is_passed_over(undertow):
    _store("sqlite:///own.db", NEWS[:2])
    with Store.open("sqlite:///own.db") as store:
        failed = next(iter(store.articles()))
        failure = TagFailure(id=failed.id, model=MODEL, error="no words").to_json()
        store.put_tags(MODEL, [(failed.id, failure)])
    told = undertow(*FLOWS, "--db", "sqlite:///own.db", "--json").data()
    assert [point["stories"] for point in told["points"]] == [1]
    # The same record where nothing is left to make a series of.
    assert undertow("series", "--kind", "raise", "--db", "sqlite:///own.db").code == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--kind", "inflow"), "net_flow"),
        ((), "--kind"),
        (("--kind", "net_flow", "--asset", "btc"), "unknown asset 'btc'"),
        (("--kind", "net_flow", "--freq", "M"), "'M'"),
        (("--kind", "net_flow", "--since", "lately"), "2025-11-24"),
        (("--kind", "liquidation", "--side", "both"), "'both'"),
        (("--kind", "net_flow", "--side", "long"), "have no side"),
        (("--kind", "net_flow", "--holder", "Strategy"), "have no holder"),
        (("--kind", "buy", "--holder", "Harbour Post"), "unknown company 'Harbour Post'"),
        (("--kind", "net_flow", "-o", "series.xlsx"), "series.xlsx"),
        (("--kind", "net_flow", "-o", "series"), "series"),
    ],
)
def test_a_wrong_call_names_what_is_wrong_and_makes_no_store(undertow, one_line, options, told):
    outcome = undertow("series", *options, "--db", "sqlite:///new.db")
    assert outcome.code == 2
    line = one_line(outcome)
    assert told in line
    assert line.endswith(")"), "no remedy"
    assert not Path("new.db").exists()


def test_a_store_without_tags(undertow, one_line):
    Store.open("sqlite:///new.db").close()
    outcome = undertow(*FLOWS, "--db", "sqlite:///new.db", "-o", "series.csv")
    assert outcome.code == 1
    assert "run `undertow tag --db`" in one_line(outcome)
    assert not Path("series.csv").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--kind", "rate"), "tells no amount of that kind"),
        (("--kind", "net_flow", "--until", "2025-11-01"), "tells no amount of that kind"),
        (("--kind", "net_flow", "--asset", "ETH"), "told are BTC in USD; BTC in EUR)"),
        (
            ("--kind", "net_flow", "--asset", "BTC", "--unit", "EUR"),
            "single funds or other periods",
        ),
        (("--kind", "liquidation"), "told are crypto, long side, in USD)"),
        (
            ("--kind", "buy", "--asset", "BTC", "--unit", "BTC", "--holder", "Tesla"),
            "told are BTC in BTC by",
        ),
    ],
)
def test_an_empty_series_is_refused_with_what_there_is(
    undertow, one_line, flows_url, options, told
):
    Path("series.csv").write_text("an older one\n")
    outcome = undertow("series", *options, "--db", flows_url, "-o", "series.csv")
    assert outcome.code == 1
    assert told in one_line(outcome)
    assert Path("series.csv").read_text() == "an older one\n"


def test_a_folder_that_is_not_there_is_named(undertow, one_line, flows_url):
    outcome = undertow(*FLOWS, "--db", flows_url, "-o", "nowhere/series.csv")
    assert outcome.code == 1
    assert "nowhere" in one_line(outcome)


def test_the_help_names_every_kind(undertow):
    shown = undertow("series", "--help").out
    assert all(kind in shown for kind in get_args(AmountKind))


def test_a_derived_day_is_marked_and_counted_apart(undertow, tmp_path):
    """The Wednesday of a week whose other days and total two stories each tell."""
    flows = {10: "lose $120.5 million", 11: "take in $240.2 million", 13: "lose $310.4 million"}
    flows[14] = "take in $95.1 million"
    news = [("Bitcoin ETFs lost $45.3 million last week", datetime(2025, 11, 17, 8, tzinfo=UTC))]
    for day, told in flows.items():
        news.append((f"Bitcoin ETFs {told}", datetime(2025, 11, day + 1, 8, tzinfo=UTC)))
    # Told once more when it is too late for one story with the first.
    later = datetime(2025, 11, 21, 8, tzinfo=UTC)
    for day, told in flows.items():
        news.append((f"Spot bitcoin ETFs {told} on November {day}, desks recall", later))
    news.append(("Bitcoin ETFs lost $45.3 million in the week ended November 14", later))
    url = f"sqlite:///{tmp_path / 'week.db'}"
    _store(url, news)
    points = undertow(*FLOWS, "--db", url, "--json").data()["points"]
    assert [(one["date"][-2:], one["value"]) for one in points if not one["reports"]] == [
        ("12", 50_300_000)
    ]
    outcome = undertow(*FLOWS, "--db", url)
    assert "4 days with a report, 1 derived from a week's total, 2025-11-10 to" in outcome.out
