"""For how many funds and how long a net flow stands.

A total of all funds, the flow of one fund, a week and a sum since launch all read "$870 million in
inflows" to a program. :func:`flow_scope` tells them apart by the words around, so that index and
series know the daily totals among them.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Literal

from nlp.amounts.sentences import Sentence, Sentences
from nlp.amounts.vocabulary import ISSUERS
from nlp.entities_gazetteer import asset_of_fund
from nlp.records import FlowScope, Funds, Length

_PLURAL = frozenset({"etfs", "etps", "funds", "trusts", "products", "vehicles"})
_SINGULAR = frozenset({"etf", "etp", "fund", "trust", "product"})
_FLOW_NOUNS = frozenset(
    {"inflow", "inflows", "outflow", "outflows", "flow", "flows", "redemptions"}
)
_LEADING = frozenset({"lead", "leads", "led", "leading", "drive", "drives", "drove"})
_ONE = frozenset({"the", "this", "its", "mini"})
_MARKET = frozenset(
    {"spot", "u.s.", "us", "bitcoin", "btc", "ethereum", "ether", "eth", "solana", "xrp"}
)
# "An aggregate outflow of $86 million as GBTC shed $90 million".
_TOTAL = re.compile(r"\b(?:aggregate|combined|collective) (?:net )?(?:in|out)?flows? of\b")
# "A further $36 million went into the fund".
_INTO_ONE = re.compile(
    r"^\W*(?:\w+ ){0,3}(?:into|out of|from) (?:the|this|that) (?:fund|trust|etf|product)\b",
    re.IGNORECASE,
)
# Whose fund: "the firm's bitcoin ETF", "the second-largest fund".
_OWNED = frozenset(
    {"firm", "company", "manager", "issuer", "giant", "largest", "second-largest", "asset-manager"}
)
# The weekly report of CoinShares on all crypto investment products, and its retellings.
_WEEKLY_REPORT = re.compile(r"\bcoinshares\b|\binvestment products\b", re.IGNORECASE)
BACK, AHEAD = 25, 14
# Dollars that no day's or week's net flow of all funds is believed to pass, about three and two
# times the records to the end of 2025 (1.4 and 6 billion): beyond them stand sums since launch,
# assets and volumes that the words around do not tell apart.
MOST_A_DAY = 4e9
MOST_A_WEEK = 12e9


def is_believable(value: float, unit: str, length: Length) -> bool:
    """Whether a net flow can be that of a day (or of an untold period), or of a week.

    Longer periods, and flows that are not in dollars, are believed.
    """
    if unit != "USD" or length not in ("day", "untold", "week"):
        return True
    return abs(value) <= (MOST_A_WEEK if length == "week" else MOST_A_DAY)


def flow_scope(
    field: Sentences, number: int, index: int, *, period: str | None, products: bool
) -> FlowScope:
    """Scope of the net flow that is word ``index`` of sentence ``number`` of a field.

    ``period`` is what the flow stands for where told, ``products`` whether the item tells of all
    crypto investment products (:func:`tells_of_products`).
    """
    sentence, told = field[number], field.written(number)
    figure, begin = sentence.words[index], sentence.words[0].start
    before, after = told[: figure.start - begin], told[figure.end - begin :]
    length = _length(before, after, period)
    if length == "untold" and _CARRIES_ON.search(told):
        former = field.written_before(number)
        length = next((length for length, words in _SPANS if words.search(former)), "untold")
    if length == "untold" and products:
        length = "week"
    funds = "one" if _INTO_ONE.search(after) else _funds(sentence, index)
    return FlowScope(funds=funds, length=length, products=products)


def tells_of_products(title: str | None, text: str | None) -> bool:
    """Whether a story tells of all crypto investment products, which are reported by the week."""
    return bool(_WEEKLY_REPORT.search(title or "") or _WEEKLY_REPORT.search(text or ""))


# How many funds


def _funds(sentence: Sentence, index: int) -> Funds:
    """The nearest word on funds before the figure, else the first one after it."""
    if sentence.lower(index + 1, index + 3) in (
        ["of", "the"],
        ["of", "that"],
        ["of", "those"],
        ["of", "this"],
    ):
        return "one"
    if _TOTAL.search(" ".join(sentence.lower(index - 5, index))):
        return "all"
    leading = parted = False
    for place in range(index - 1, max(-1, index - BACK), -1):
        word = sentence.words[place].lower
        if word in (";", "."):
            break
        leading = leading or (word in _LEADING and not parted)
        # "ETHA led with $80 million of inflows" tells its own.
        parted = parted or word == "with"
        reading = _fund_word(sentence, place)
        if (
            reading == "one"
            and leading
            and not _FLOW_NOUNS.isdisjoint(sentence.lower(index + 1, index + 7))
        ):
            # "BlackRock and Fidelity lead $431M of Bitcoin ETF inflows" tells the total.
            return "all"
        if reading:
            return reading
    for place in range(index + 1, min(len(sentence.words), index + AHEAD)):
        if reading := _fund_word(sentence, place):
            return reading
    return "untold"


def _fund_word(sentence: Sentence, place: int) -> Literal["all", "one"] | None:
    word = sentence.words[place].lower
    if word in _fund_tickers() or word in ISSUERS:
        return "one"
    if word not in _PLURAL and word not in _SINGULAR:
        return None
    before = set(sentence.lower(place - 4, place))
    if not before.isdisjoint(ISSUERS) or not before.isdisjoint(_fund_tickers()):
        return "one"
    # Funds that bet on a fall are a class of their own.
    if not before.isdisjoint({"short", "short-bitcoin"}):
        return "one"
    owned = not before.isdisjoint(_OWNED)
    pointed_at = not before.isdisjoint(_ONE) and before.isdisjoint(_MARKET)
    return "one" if word in _SINGULAR and (owned or pointed_at) else "all"


@cache
def _fund_tickers() -> frozenset[str]:
    return frozenset(ticker.lower() for ticker in asset_of_fund())


# For how long

_COUNT = (
    r"(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|several|few|couple of"
    r"|consecutive|straight)"
)
_ADJECTIVE = r"(?:trading[- ]|consecutive[- ]|straight[- ]|of )?"
_CUMULATIVE = re.compile(
    r"\b(?:cumulative|since (?:their|its|the|launch|inception|january 2024|jan|early|mid|late)"
    r"|lifetime|all[- ]time total|historical|to date"
    r"|total (?:net )?(?:inflows?|outflows?) (?:to|of|nearing|reaching|near|since))\b",
    re.IGNORECASE,
)
_RUN_AFTER = re.compile(
    r"^[^.;]{0,60}?\b(?:in|over|within|across|during|for|through|on|the span of)\b"
    r" (?:the |just |only )?(?:a |an )?"
    r"(?:past |last |previous |about |approximately |roughly |nearly |just )?"
    rf"{_COUNT}[- ]{_ADJECTIVE}(?:days?|weeks|months|sessions)(?:\b|(?-i:(?=[A-Z])))",
    re.IGNORECASE,
)
# A text that was cut off: "$1.8 billion of inflows in the past".
_CUT_OFF = re.compile(r"^[^.;]{0,40}?\b(?:in|over) the (?:past|last)\W*$", re.IGNORECASE)
# "Cumulative net inflows of $142 million on May 7" are those of all funds on that day.
_ON_A_DAY = re.compile(r"^,? on (?!record)", re.IGNORECASE)
# "$4.26 billion in flows, recording 10 consecutive days of inflows" is the sum of the ten.
_RUN_RANKED = re.compile(
    rf"^[^.;]{{0,40}}?, (?:recording|with|over|across) {_COUNT}[- ]{_ADJECTIVE}"
    r"(?:days?|sessions)\b",
    re.IGNORECASE,
)
_RUN_BEFORE = re.compile(
    rf"\b{_COUNT}[- ]{_ADJECTIVE}(?:days?|weeks?|sessions)\b[^.;]{{0,60}}?"
    r"\b(?:total(?:l?ing|led|s)?|combined|amounting|brought|bringing|accumulat\w+|surpass\w*"
    r"|exceed\w*|sum)\b[^.;]{0,30}$",
    re.IGNORECASE,
)
_WEEK = re.compile(
    r"\b(?:weekly|(?:last|this|past|previous|prior|the|a|full|per) week(?!s)|week['’]s"
    r"|week ended)\b",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"\b(?:monthly|(?:last|this|past|previous|the|a|per) month|month['’]s)\b", re.IGNORECASE
)
_LONGER = re.compile(
    r"\b(?:year[- ]to[- ]date|ytd|annual|this year|last year|in 20\d\d|quarterly?|q[1-4]"
    r"|half of)\b",
    re.IGNORECASE,
)
_SPANS: tuple[tuple[Length, re.Pattern[str]], ...] = (
    ("longer", _LONGER),
    ("month", _MONTH),
    ("week", _WEEK),
)
# "Ether funds took in $248 million over the same period", or "followed with" that much.
_CARRIES_ON = re.compile(
    r"\b(?:the|that) same (?:period|span|stretch|time ?frame)\b"
    r"|\bfollowed (?:suit )?with\b",
    re.IGNORECASE,
)
# A list of weekly figures names each week by its last day.
_WEEKLY_FIGURES = re.compile(r"\bweeklies\b|\bweekly (?:net )?(?:in|out)?flows?\b", re.IGNORECASE)
_DATED_FIGURE = re.compile(r"\b[A-Z][a-z]{2,8}\.? \d{1,2},? (?:\w+ )?[-−+]?\$")
LISTED = 2  # dated figures beside the one that is read
NEAR = 70


def _length(before: str, after: str, period: str | None) -> Length:
    near = before[-NEAR:] + " " + after[:NEAR]
    if _CUMULATIVE.search(_clause(before)) or _CUMULATIVE.search(_clause_after(after)):
        whole = period is not None and _length_of(period) == "day" and _ON_A_DAY.match(after)
        return "day" if whole else "cumulative"
    runs = (
        _CUT_OFF.search(after)
        or _RUN_RANKED.search(after[:110])
        or _RUN_AFTER.search(after[:110])
        or _RUN_BEFORE.search(before[-130:])
    )
    if runs:
        return "days"
    if period:
        length = _length_of(period)
        listed = length == "day" and len(_DATED_FIGURE.findall(before + after)) >= LISTED
        return "week" if listed and _WEEKLY_FIGURES.search(before + after) else length
    return next((length for length, words in _SPANS if words.search(near)), "untold")


def _clause(before: str) -> str:
    return re.split(r"[.,;:–—]\s|\b(?:and|while|with)\b", before[-45:])[-1]


def _clause_after(after: str) -> str:
    return re.split(r"[.,;:–—]\s|\b(?:and|while|Cumulative)\b", after[:35])[0]


def _length_of(period: str) -> Length:
    first, _, last = period.partition("/")
    if not last:
        return "day" if len(first) > len("2025-11") else "month"
    if len(first) == len("2025-11") or len(last) == len("2025-11"):
        return "longer"
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    if days == 1:
        return "day"
    if 4 <= days <= 8:
        return "week"
    return "days" if days < 25 else "month" if days <= 31 else "longer"
