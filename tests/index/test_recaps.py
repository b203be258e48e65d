"""Which titles are price recaps."""

from __future__ import annotations

import pytest

from nlp.recaps import is_recap


@pytest.mark.parametrize(
    ("title", "drivers", "expected"),
    [
        ("Bitcoin falls 5% to $90,000", (), True),
        ("BTC slips below $88K as liquidations mount", ("leverage",), True),
        ("Ethereum price analysis: what next for ETH", ("leverage",), True),
        ("Crypto markets today: majors drift lower", (), True),
        ("Bitcoin slides into the weekend", (), True),
        ("Bitcoin slides as funds lose money for a third week", ("etf_flows",), False),
        ("Spot bitcoin funds shed $870 million", ("etf_flows",), False),
        ("Strategy buys 8,178 BTC for $835 million", ("treasury",), False),
        ("Fed cuts rates by 25 basis points", ("macro",), False),
    ],
)
def test_rule(title, drivers, expected):
    assert is_recap(title, drivers) is expected
