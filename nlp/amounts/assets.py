"""Which coin an amount speaks of: by its unit, by the fund named beside it, by the words around."""

from __future__ import annotations

from functools import lru_cache

from nlp.amounts.context import Context
from nlp.amounts.quantities import BARE, COIN
from nlp.amounts.sentences import Sentence
from nlp.amounts.vocabulary import CLAUSE_BREAKS
from nlp.entities_gazetteer import asset_of_fund, assets_by_word
from nlp.records import AmountKind

ALL = "all"
_MARKET = frozenset(
    {"crypto", "cryptocurrency", "cryptocurrencies", "digital", "altcoin", "market-wide"}
)
_FUND_NOUNS = frozenset(
    {
        "etf",
        "etfs",
        "etp",
        "etps",
        "fund",
        "funds",
        "trust",
        "trusts",
        "exchange-traded",
        "exchange",
        "products",
        "product",
    }
)
_FUND_PHRASE = 4
_REMEMBERED = 1 << 13  # words
BREAK = 4.0
FOLLOWING = 3.0
CLOSE = 10.0  # a coin named nearer than this speaks louder than the sentences before
NEAR = 4


def asset_of(
    sentence: Sentence, index: int, kind: AmountKind, unit: str, context: Context
) -> str | None:
    """Asset of the figure that is word ``index``: a ticker, ``all`` for crypto as a whole, or
    None."""
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
        best = min(
            ((_distance(sentence, place, index), asset) for place, asset, _ in mentions),
            default=None,
        )
        if best is None or best[0] > CLOSE:
            told = context.told_before(fund_asset_of)
            if told is not None:
                return told
    if best:
        return best[1]
    return None if kind == "liquidation" else context.told_before(fund_asset_of)


def fund_asset_of(sentence: Sentence) -> str | None:
    """The one asset whose funds the sentence speaks of; ``all`` for several; None without any."""
    mentions = _mentions(sentence)
    funds = {asset for _, asset, phrase in mentions if phrase}
    told = funds or {asset for _, asset, _ in mentions}
    return next(iter(told)) if len(told) == 1 else (ALL if len(funds) > 1 else None)


def _mentions(sentence: Sentence) -> list[tuple[int, str, bool]]:
    """Place, asset, and whether a fund of it is meant: "spot Bitcoin ETFs", "IBIT"."""
    found: list[tuple[int, str, bool]] = []
    for place, word in enumerate(sentence.words):
        if word.quantity is not None:
            continue
        held = _held_by(word.text)
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
        if number
        and phrase
        and found[number - 1][1] == ALL
        and found[number - 1][2]
        and place - found[number - 1][0] <= 3
        and found[number - 1][0] != place
        else (place, asset, phrase)
        for number, (place, asset, phrase) in enumerate(found)
    ]


@lru_cache(maxsize=_REMEMBERED)
def _held_by(text: str) -> str | None:
    return asset_of_fund().get(text.removesuffix("'s").removesuffix("’s"))


@lru_cache(maxsize=_REMEMBERED)
def _asset_word(text: str) -> str | None:
    known = assets_by_word()
    bare = text.removesuffix("'s").removesuffix("’s")
    found = (
        known.get(bare)
        or known.get(bare.lower())
        or known.get(
            bare.upper() if len(bare) == 3 and bare.lower() in ("btc", "eth", "xrp") else ""
        )
    )
    return None if found in ("USDT", "USDC") else found


def _distance(sentence: Sentence, place: int, index: int) -> float:
    first, last = min(place, index), max(place, index)
    cost = float(last - first)
    for word in sentence.words[first + 1 : last]:
        if word.lower in CLAUSE_BREAKS - {"and", "with"} or word.lower in ";:—–|.":
            cost += BREAK
    return cost * (FOLLOWING if place > index else 1.0)
