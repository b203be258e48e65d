"""Assets and institutions, and the everyday words that look like them."""

from __future__ import annotations

import pytest

from nlp.entities import find_entities
from nlp.entities_gazetteer import entries


def ids(text: str) -> list[str]:
    return [one.id for one in find_entities(text, None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bitcoin and BTC rise, ether lags", ["BTC", "BTC", "ETH"]),
        ("BlackRock's IBIT and Fidelity’s FBTC", ["blackrock", "IBIT", "fidelity", "FBTC"]),
        ("ETHA takes in more than ETH itself", ["ETHA", "ETH"]),
        ("Strategy buys bitcoin", ["strategy", "BTC"]),
        ("Saylor’s Strategy pauses", ["strategy"]),
        ("A new strategy for bitcoin", ["BTC"]),
        ("Bitcoin Strategy: how to begin", ["BTC"]),
        ("US Treasury yields climb", ["us_treasury"]),
        ("Treasury Department sanctions mixer", ["us_treasury"]),
        ("The firm's bitcoin treasury grows", ["BTC"]),
        ("Bitcoin Treasury company lists", ["BTC"]),
        ("Fed holds rates", ["federal_reserve"]),
        ("The whale was fed up", []),
        ("LINK in the article below", []),
        ("Chainlink (LINK) gains", ["LINK", "LINK"]),
        ("$LINK gains", ["LINK"]),
        ("Price is NEAR the top", []),
        ("NEAR Protocol upgrades", ["NEAR"]),
        ("An avalanche of sell orders", []),
        ("Avalanche (AVAX) slips", ["AVAX", "AVAX"]),
        ("The ripple effect of tariffs", []),
        ("Ripple wins appeal", ["ripple"]),
        ("Optimism returns to markets", []),
        ("SOL and Solana", ["SOL", "SOL"]),
        ("sol de justicia", []),
        ("Deep dot com", []),
    ],
)
def test_names_and_the_words_that_look_like_them(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


def test_types_and_places() -> None:
    text = "The European Central Bank and Coinbase"
    found = find_entities("BTC", text)
    assert [(one.type, one.field) for one in found] == [
        ("asset", "title"),
        ("central_bank", "text"),
        ("exchange", "text"),
    ]
    assert text[found[1].start : found[1].end] == "European Central Bank"


@pytest.mark.parametrize(
    "text", ["", "\0" * 9, "🚀" * 999, "$" * 99_999, "\ud800 BTC", "BTC " * 9_999, "<b>BTC</b>"]
)
def test_any_string_is_read(text: str) -> None:
    for one in find_entities(text, text):
        assert one.id == "BTC"


def test_gazetteer_is_sound() -> None:
    known = [entry.id for entry in entries()]
    assert len(known) == len(set(known))
    assets = {entry.id for entry in entries() if entry.type == "asset"}
    for entry in entries():
        assert entry.names or entry.tickers
        assert entry.asset is None or entry.asset in assets
        assert (entry.asset is not None) == (entry.type == "fund")
