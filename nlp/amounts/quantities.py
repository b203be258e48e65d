"""Numbers with a unit, wherever they stand: "$3.79B", "8,178 BTC", "half a billion dollars", "25
bps".

This is the lexical level of the grammar in ``docs/amounts.md``: what a figure is worth and in which
unit, with its exact place; what it means is decided in :mod:`nlp.amounts.kinds`. All patterns are
linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from nlp.entities_gazetteer import assets_by_word
from nlp.readable import case_folded, word_set

COIN: Final = "coin"  # "38 coins": which coin is told elsewhere
BARE: Final = "bare"  # a number without any unit


@dataclass(frozen=True)
class Quantity:
    """A figure at ``start`` to ``end`` of the text, worth ``value`` of ``unit``.

    ``unit`` is a currency code, an asset's ticker, ``%``, ``bp``, :data:`COIN` or :data:`BARE`;
    ``sign`` is -1 or 1 where a sign was written before the figure, else 0; ``scaled`` tells that a
    word like "million" (or its letter) was written.
    """

    start: int
    end: int
    value: float
    unit: str
    sign: int = 0
    scaled: bool = False


_CURRENCIES = {
    "$": "USD",
    "us$": "USD",
    "usd": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "aud": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "cad": "CAD",
    "hk$": "HKD",
    "hkd": "HKD",
    "s$": "SGD",
    "sgd": "SGD",
    "r$": "BRL",
    "nt$": "TWD",
    "nz$": "NZD",
    "€": "EUR",
    "eur": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "¥": "JPY",
    "jpy": "JPY",
    "₩": "KRW",
    "krw": "KRW",
    "₹": "INR",
    "inr": "INR",
    "chf": "CHF",
    "sek": "SEK",
    "nok": "NOK",
    "cny": "CNY",
    "rmb": "CNY",
}
MONEY = frozenset(_CURRENCIES.values())
_CURRENCY_WORDS = {
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "usdt": "USD",
    "usdc": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "pounds": "GBP",
    "sterling": "GBP",
    "yen": "JPY",
    "won": "KRW",
    "rupees": "INR",
    "yuan": "CNY",
    "kronor": "SEK",
    "francs": "CHF",
    **{code: unit for code, unit in _CURRENCIES.items() if code.isalpha()},
}
_DOLLARS_OF = {
    "us": "USD",
    "u.s.": "USD",
    "american": "USD",
    "canadian": "CAD",
    "australian": "AUD",
    "singapore": "SGD",
    "hong kong": "HKD",
}
_SCALES = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mm": 1e6,
    "mn": 1e6,
    "mil": 1e6,
    "mio": 1e6,
    "mln": 1e6,
    "million": 1e6,
    "millions": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "bln": 1e9,
    "billion": 1e9,
    "billions": 1e9,
    "t": 1e12,
    "tn": 1e12,
    "trn": 1e12,
    "trillion": 1e12,
}
_COUNTS = {
    "half a": 0.5,
    "half": 0.5,
    "a quarter of a": 0.25,
    "quarter of a": 0.25,
    "quarter": 0.25,
    "a": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "twenty": 20.0,
    "fifty": 50.0,
    "a hundred": 100.0,
    "one hundred": 100.0,
}

_PREFIX = (
    r"(?:US|AU|CA|HK|NT|NZ|A|C|S|R)?\$|[€£¥₩₹]"
    r"|\b(?:USD|AUD|CAD|HKD|SGD|EUR|GBP|JPY|KRW|CHF|SEK|NOK)(?=\s?\d)"
)
_NUMBER = r"(?>\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?+"
_CORE = re.compile(
    rf"(?P<minus>(?:(?<=[\s(:])|^)[-−–+])?"
    rf"(?P<currency>(?<![^\W_]){_PREFIX})?[ \u00a0\u202f]?(?P<inner>(?<=\$)[-−+])?"
    rf"(?<![\w.])(?<!\d,)(?P<number>{_NUMBER})",
    re.IGNORECASE,
)
_SCALE = re.compile(
    r"(?:[ \u00a0\u202f-]?"
    r"(?P<word>thousand|millions?|billions?|trillion|mln|mn|mil|mio|mm|bln|bn|trn|tn)"
    r"|(?P<letter>[kmbt])|[ \u00a0\u202f](?P<capital>(?-i:[KMB])))(?![^\W_])",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?:[ -]percentage[ -]points?\b|[ ]?(?:%|percent\b|per cent\b|pct\b))", re.I)
_BASIS_POINTS = re.compile(r"[ -]?(?:bps?|basis[ -]points?)\b", re.IGNORECASE)
_MONEY_WORD = re.compile(
    r"[ -]?(?:in )?(?:(?P<of>us|u\.s\.|american|canadian|australian|singapore|hong kong) )?"
    rf"(?P<word>{'|'.join(sorted(_CURRENCY_WORDS, key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_WORDS = re.compile(
    rf"\b(?P<count>{'|'.join(sorted(_COUNTS, key=len, reverse=True)).replace(' ', '[ -]')})[ -]"
    r"(?P<word>thousand|million|billion|trillion)\b",
    re.IGNORECASE,
)
_FRACTION_POINT = re.compile(
    r"\b(?P<size>quarter|half|three[ -]quarters?|full)(?:[ -]of)?(?:[ -]an?)?"
    r"[ -](?:percentage[ -])?points?\b",
    re.IGNORECASE,
)
_POINTS = {"quarter": 25.0, "half": 50.0, "full": 100.0}
# Between a count and its coin: "455 more Bitcoins", "12 units of BTC", "3,724 ($386.5M) BITCOIN".
_COIN = re.compile(
    r"(?:[ -]|(?= ?\$[A-Z])|(?=[A-Z]))"
    r"(?:(?:more|additional|new|extra|newly[ -]mined|self[ -]mined|native|whole|units? of|of"
    r"|worth of|total|spot)[ ]){0,2}"
    r" ?\$?(?P<word>[^\W\d_]{2,12})(?:[ ](?P<tail>[^\W\d_]{2,12}))?",
    re.IGNORECASE,
)
_COIN_AFTER_NOTE = re.compile(r" ?\([^()\n]{1,24}\) ?\$?(?P<word>[^\W\d_]{2,12})")
# "11 Bitcoin ETFs" counts funds, not coins.
_COUNTED = word_set(
    "etf etfs etp etps fund funds treasury treasuries companies company firms miners miner"
    " mining address addresses wallets wallet whales whale holders trusts trust futures"
    " options contracts atms transactions blocks nodes developers users investors traders"
    " predictions price prices developers startups network products stocks related"
)
_RANGE = re.compile(r" ?(?:-|–|—|to|and) ?", re.IGNORECASE)


def find_quantities(text: str) -> list[Quantity]:
    """Every figure of ``text`` in order of place; figures never overlap."""
    found = sorted([*_numbers(text), *_in_words(text)], key=lambda one: (one.start, -one.end))
    apart: list[Quantity] = []
    for one in found:
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    return _join_ranges(text, apart)


def _numbers(text: str) -> Iterator[Quantity]:
    for match in _CORE.finditer(text):
        value = float(match["number"].replace(",", ""))
        end = match.end()
        scale = _SCALE.match(text, end)
        if scale:
            word = scale["word"] or scale["letter"] or scale["capital"]
            value *= _SCALES[word.lower()]
            end = scale.end()
        start = match.start("currency") if match["currency"] else match.start("number")
        sign = {"-": -1, "−": -1, "–": -1, "+": 1}.get(match["minus"] or match["inner"] or "", 0)
        unit: str | None = None
        if match["currency"]:
            unit = _CURRENCIES[match["currency"].lower()]
        quantity = Quantity(start, end, value, unit or BARE, sign, scale is not None)
        yield quantity if unit else _with_unit(text, quantity)


def _with_unit(text: str, quantity: Quantity) -> Quantity:  # noqa: PLR0911 - one unit a line
    end = quantity.end
    if match := _PERCENT.match(text, end):
        return replace(quantity, end=match.end(), unit="%")
    if match := _BASIS_POINTS.match(text, end):
        return replace(quantity, end=match.end(), unit="bp")
    if match := _MONEY_WORD.match(text, end):
        word = match["word"].lower()
        unit = _CURRENCY_WORDS[word]
        if match["of"]:
            unit = _DOLLARS_OF[match["of"].lower()]
        return replace(quantity, end=match.end(), unit=unit)
    if match := _COIN.match(text, end):
        unit_or_none = coin_of(match["word"])
        counted = (match["tail"] or "").lower() in _COUNTED and text[match.end("word")] == " "
        if unit_or_none and not counted:
            return replace(quantity, end=match.end("word"), unit=unit_or_none)
    if match := _COIN_AFTER_NOTE.match(text, end):
        unit_or_none = coin_of(match["word"])
        if unit_or_none:
            return replace(quantity, unit=unit_or_none)
    if (
        "," in text[quantity.start : end]
        and not text[end : end + 40].strip()
        and len(text) <= end + 40
    ):
        # Feeds cut texts: "this latest purchase of 4,020" lost its unit.
        return replace(quantity, unit=COIN)
    return quantity


def coin_of(word: str) -> str | None:
    """Ticker of the asset that the word names as the unit of a figure, or :data:`COIN`, or None."""
    if word.lower() == "coins":
        return COIN
    known = assets_by_word()
    lower = word.lower()
    return (
        known.get(word)
        or known.get(word.upper() if len(word) == 3 and lower in _LOWER_TICKERS else "")
        or known.get(lower)
        or (known.get(lower[:-1]) if lower.endswith("s") else None)
    )


# Tickers that are no English word and so count in small letters too.
_LOWER_TICKERS = frozenset({"btc", "eth", "xrp", "bnb", "ltc", "trx", "xlm"})


def _in_words(text: str) -> Iterator[Quantity]:
    folded = case_folded(text)
    of_size = "illion" in folded or "thousand" in folded
    for match in _WORDS.finditer(text) if of_size else ():
        if match.start() and text[match.start() - 1] == "-":
            continue
        value = _COUNTS[match["count"].lower().replace("-", " ")] * _SCALES[match["word"].lower()]
        quantity = Quantity(match.start(), match.end(), value, BARE, 0, True)
        united = _with_unit(text, quantity)
        # "over half a billion in Bitcoin": money unless a coin is named as the unit.
        yield united if united.unit != BARE else replace(united, unit="USD")
    for match in _FRACTION_POINT.finditer(text) if "point" in folded else ():
        size = match["size"].lower()
        yield Quantity(match.start(), match.end(), _POINTS.get(size, 75.0), "bp")


def _join_ranges(text: str, found: list[Quantity]) -> list[Quantity]:
    """In "$1.2-$1.5 billion" the first figure takes the scale, in "$100-150 million" the second
    the unit."""
    joined = list(found)
    for index in range(len(joined) - 1):
        first, second = joined[index], joined[index + 1]
        if not _RANGE.fullmatch(text, first.end, second.start):
            continue
        if (
            second.unit == BARE
            and first.unit not in (BARE, "%", "bp", COIN)
            and (second.scaled or not first.scaled)
        ):
            second = replace(second, unit=first.unit)
        if first.unit == BARE and second.unit != BARE and not first.scaled:
            first = replace(first, unit=second.unit)
        if second.scaled and not first.scaled and first.unit == second.unit:
            scale = _scale_of(text, second)
            if first.value * scale <= second.value:
                first = replace(first, value=first.value * scale, scaled=True)
        joined[index], joined[index + 1] = first, second
    return joined


def _scale_of(text: str, quantity: Quantity) -> float:
    digits = re.search(_NUMBER, text[quantity.start : quantity.end])
    return quantity.value / float(digits[0].replace(",", "")) if digits and quantity.value else 1.0
