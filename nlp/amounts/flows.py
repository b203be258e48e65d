"""Which asset an amount speaks of, and for how many funds and how long a flow stands.

A total of all funds, the flow of one fund, a week and a sum since launch all read "$870 million in
inflows" to a program. :func:`flow_scope` tells them apart from the words around, so that a series of
daily totals can be built from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from corpus.records import Record
from nlp.amounts.context import Context
from nlp.amounts.quantities import BARE, COIN, find_quantities
from nlp.amounts.sentences import Sentence, read_sentence
from nlp.amounts.vocabulary import CLAUSE_BREAKS, ISSUERS
from nlp.entities_gazetteer import asset_of_fund, assets_by_word, entries
from nlp.records import Amount, AmountKind
from nlp.sentences import sentence_spans

ALL = "all"
_MARKET = frozenset({"crypto", "cryptocurrency", "cryptocurrencies", "digital", "altcoin", "market-wide"})
_FUND_NOUNS = frozenset({"etf", "etfs", "etp", "etps", "fund", "funds", "trust", "trusts", "exchange-traded", "exchange", "products", "product"})
_PLURAL = frozenset({"etfs", "etps", "funds", "trusts", "products", "vehicles"})
_SINGULAR = frozenset({"etf", "etp", "fund", "trust", "product"})
_FLOW_NOUNS = frozenset({"inflow", "inflows", "outflow", "outflows", "flow", "flows", "redemptions"})
_FUND_PHRASE = 4
NO_FUND_PHRASE = 6.0
BREAK = 4.0
FOLLOWING = 1.5
NEAR = 4


# The asset


def asset_of(
    sentence: Sentence, index: int, kind: AmountKind, unit: str, context: Context
) -> str | None:
    """Asset of the figure that is word ``index``: a ticker, ``all`` for crypto as a whole, or None."""
    if unit not in (COIN, BARE) and unit in assets_by_word().values():
        return unit
    if kind == "rate":
        return None
    flow = kind == "net_flow"
    mentions = _mentions(sentence)
    best: tuple[float, str] | None = None
    for place, asset, funds in mentions:
        if flow and not funds:
            continue
        cost = _distance(sentence, place, index)
        if kind == "liquidation" and cost > NEAR + 2:
            continue
        if best is None or cost < best[0]:
            best = (cost, asset)
    if best is None and flow:
        if context.asset is not None:
            return context.asset
        best = min(
            ((_distance(sentence, place, index), asset) for place, asset, _ in mentions),
            default=None,
        )
    return best[1] if best else (context.asset if kind != "liquidation" else None)


def fund_asset_of(sentence: Sentence) -> str | None:
    """The one asset whose funds the sentence speaks of; ``all`` for several; None without any."""
    funds = {asset for _, asset, phrase in _mentions(sentence) if phrase}
    told = funds or {asset for _, asset, _ in _mentions(sentence)}
    return next(iter(told)) if len(told) == 1 else (ALL if len(funds) > 1 else None)


def _mentions(sentence: Sentence) -> list[tuple[int, str, bool]]:
    """Place, asset, and whether a fund of it is meant: "spot Bitcoin ETFs", "IBIT"."""
    found: list[tuple[int, str, bool]] = []
    for place, word in enumerate(sentence.words):
        if word.quantity is not None:
            continue
        ticker = word.text.removesuffix("'s").removesuffix("’s")
        held = asset_of_fund().get(ticker)
        if held:
            found.append((place, held, True))
            continue
        asset = ALL if word.lower in _MARKET else _asset_word(word.text)
        if asset is None:
            continue
        following = sentence.lower(place + 1, place + 1 + _FUND_PHRASE)
        phrase = not _FUND_NOUNS.isdisjoint(following)
        joined = [one for one in following[:3] if one not in ("spot", "u.s.", "us")]
        if phrase and joined[:1] in (["and"], ["&"]) and len(joined) > 1:
            other = _asset_word(joined[1])
            if other and other != asset:
                asset = ALL
        found.append((place, asset, phrase))
    # "Bitcoin and Ether ETFs": the second mention belongs to the pair.
    return [
        (place, ALL, phrase)
        if number and phrase and found[number - 1][1] == ALL and found[number - 1][2] and place - found[number - 1][0] <= 3 and found[number - 1][0] != place
        else (place, asset, phrase)
        for number, (place, asset, phrase) in enumerate(found)
    ]


def _asset_word(text: str) -> str | None:
    known = assets_by_word()
    bare = text.removesuffix("'s").removesuffix("’s")
    found = known.get(bare) or known.get(bare.lower()) or known.get(bare.upper() if len(bare) == 3 and bare.lower() in ("btc", "eth", "xrp") else "")
    return None if found in ("USDT", "USDC") else found


def _distance(sentence: Sentence, place: int, index: int) -> float:
    first, last = min(place, index), max(place, index)
    cost = float(last - first)
    for word in sentence.words[first + 1 : last]:
        if word.lower in CLAUSE_BREAKS or word.lower in ";:—–|.":
            cost += BREAK
    return cost * (FOLLOWING if place > index else 1.0)


# The scope


class FlowScope(Record):
    """``funds``: all funds of the asset, one (or some) of them, or not told; ``span``: for how long.

    ``cumulative`` is a sum since launch or since some day; ``days`` a run of several days.
    """

    funds: Literal["all", "one", "untold"]
    span: Literal["day", "days", "week", "month", "longer", "cumulative", "untold"]


def flow_scope(title: str | None, text: str | None, amount: Amount) -> FlowScope:
    """Scope of a net flow that :func:`~nlp.amounts.find_amounts` found in this title and text."""
    content = (title if amount.field == "title" else text) or ""
    spans = [(0, len(content))] if amount.field == "title" else sentence_spans(content)
    start, end = next(
        ((a, b) for a, b in spans if a <= amount.start < b), (amount.start, amount.end)
    )
    inside = [one for one in find_quantities(content[start:end])]
    sentence = read_sentence(content[start:end], 0, end - start, inside)
    index = next(
        (i for i in sentence.figures if sentence.words[i].start == amount.start - start), None
    )
    if index is None:
        return FlowScope(funds="untold", span="untold")
    return FlowScope(funds=_funds(sentence, index), span=_span(sentence, index, amount.period))


def _funds(sentence: Sentence, index: int) -> Literal["all", "one", "untold"]:
    leading = False
    for place in range(index - 1, max(-1, index - 25), -1):
        word = sentence.words[place].lower
        if word in (";",) or (word == "." and place < index - 1):
            break
        leading = leading or word in ("lead", "leads", "led", "leading", "drive", "drives", "drove")
        reading = _fund_word(sentence, place)
        if reading == "one" and leading and _flow_of_funds(sentence, index):
            return "all"
        if reading:
            return reading
    for place in range(index + 1, min(len(sentence.words), index + 14)):
        if reading := _fund_word(sentence, place):
            return reading
    return "untold"


def _fund_word(sentence: Sentence, place: int) -> Literal["all", "one"] | None:
    word = sentence.words[place]
    if word.lower.removesuffix("'s") in _fund_tickers() or word.lower in ISSUERS:
        return "one"
    if word.lower in _PLURAL or word.lower in _SINGULAR:
        before = set(sentence.lower(place - 4, place))
        if not before.isdisjoint(ISSUERS) or not before.isdisjoint(_fund_tickers()):
            return "one"
        if word.lower in _SINGULAR and not before.isdisjoint({"the", "this", "its", "mini"}) and before.isdisjoint({"spot", "u.s.", "us", "bitcoin", "btc", "ethereum", "ether", "eth"}):
            return "one"
        return "all"
    return None


def _flow_of_funds(sentence: Sentence, index: int) -> bool:
    after = sentence.lower(index + 1, index + 7)
    return not _FLOW_NOUNS.isdisjoint(after)


def _fund_tickers() -> frozenset[str]:
    return frozenset(ticker.lower() for ticker in asset_of_fund())


_SPANS: tuple[tuple[str, frozenset[str]], ...] = (
    ("cumulative", frozenset({"cumulative", "inception", "launch", "lifetime", "all-time", "historical", "historic", "since", "debut"})),
    ("longer", frozenset({"year-to-date", "ytd", "annual", "year", "year's", "quarter", "quarterly", "q1", "q2", "q3", "q4"})),
    ("month", frozenset({"month", "monthly", "month's"})),
    ("week", frozenset({"week", "weekly", "week's"})),
    ("days", frozenset({"streak", "consecutive", "straight", "run"})),
    ("day", frozenset({"day", "daily", "single-day", "yesterday", "today"})),
)


def _span(
    sentence: Sentence, index: int, period: str | None
) -> Literal["day", "days", "week", "month", "longer", "cumulative", "untold"]:
    near = set(sentence.lower(index - 7, index + 9))
    if not near.isdisjoint({"cumulative", "inception", "lifetime", "historical"}) or {"since", "launch"} <= near:
        return "cumulative"
    if period:
        first, _, last = period.partition("/")
        if not last:
            return "day" if len(first) > 7 else "month"
        return _length(first, last)
    for span, words in _SPANS[1:4]:
        if not near.isdisjoint(words):
            return span  # type: ignore[return-value]
    return "untold"


def _length(first: str, last: str) -> Literal["days", "week", "month", "longer", "cumulative"]:
    from datetime import date  # noqa: PLC0415

    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return "days" if days < 5 else "week" if days <= 8 else "days" if days < 25 else "month" if days <= 31 else "longer"
