"""Gates: what a cue must find around it before it gives its kind to a figure.

A flow needs a fund, a purchase a buyer who is no lone trader, a liquidation must not be a bankrupt's,
and so on; ``docs/amounts.md`` lists them.
"""

from __future__ import annotations

from typing import Literal

from nlp.amounts.context import Context, words_of
from nlp.amounts.quantities import BARE, COIN, Quantity
from nlp.amounts.sentences import FoundCue, Sentence
from nlp.amounts.vocabulary import (
    BANKRUPTCY,
    EXCHANGE_FLOW,
    FALL_WORDS,
    FUND_CONTEXT,
    FUND_WORDS,
    INSTITUTIONS,
    ISSUERS,
    NOT_POLICY,
    PRIVATE_HOLDERS,
    RATE_WORDS,
    TREASURY_WORDS,
    VENTURE,
    asset_words,
    treasury_companies,
)
from nlp.records import AmountKind

Meaning = tuple[AmountKind, int]
Agent = Literal["fund", "institution", "private", "unknown"]

AGENT_REACH = 16
ASSET_REACH = 6
_INFLOW = frozenset({"inflow", "inflows", "influx", "positive", "poured"})
_OUTFLOW = frozenset({"outflow", "outflows", "negative", "redemptions", "withdrawals", "lost", "bled", "shed"})
_SHARES = frozenset({"stock", "share", "shares", "notes", "note", "equity", "preferred", "atm", "bond", "bonds", "debt"})
HIGHEST_RATE = 30.0


def admit(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    """Kind and sign that the cue gives to the figure, or None where a gate is shut."""
    cue = found.cue
    percent = quantity.unit in ("%", "bp")
    if cue.kind == "rate":
        return _rate(sentence, found, index, quantity) if percent else None
    if cue.kind == "open_interest":
        return _open_interest(sentence, found, index, quantity)
    if percent or (quantity.unit == BARE and cue.kind not in ("buy", "hold")):
        return None
    if quantity.unit == BARE:
        return None
    if cue.kind == "net_flow":
        return _net_flow(sentence, found, quantity, context)
    if cue.kind == "liquidation":
        return _liquidation(sentence, found, index, quantity, context)
    if cue.kind == "raise":
        return _raise(sentence, found, index, context)
    if cue.kind in ("buy", "sell", "hold"):
        return _holding(sentence, found, index, quantity, context)
    return None


# Flows


def _net_flow(
    sentence: Sentence, found: FoundCue, quantity: Quantity, context: Context
) -> Meaning | None:
    words = words_of(sentence)
    told = not words.isdisjoint(FUND_CONTEXT) or not words.isdisjoint(ISSUERS)
    if not told and not context.tells_of_funds:
        if found.cue.place != "either" or not words.isdisjoint(EXCHANGE_FLOW):
            return None
        if words.isdisjoint({"institutional", "investment", "fund", "asset"}):
            return None
    beside = sentence.lower(found.first - 3, found.last + 4)
    if not told and not EXCHANGE_FLOW.isdisjoint(beside):
        return None
    if {"exchange", "exchanges", "stablecoin", "stablecoins", "whale"} & set(beside[:4]) and "etf" not in beside:
        return None
    sign = quantity.sign or found.cue.sign or _flow_sign(sentence, found, context)
    return ("net_flow", sign) if sign else None


def _flow_sign(sentence: Sentence, found: FoundCue, context: Context) -> int:
    """Direction of the nearest flow word before the cue, else after it, else told earlier."""
    for word in reversed(sentence.words[: found.first]):
        if sign := flow_sign_of(word.lower):
            return sign
    for word in sentence.words[found.last + 1 :]:
        if sign := flow_sign_of(word.lower):
            return sign
    return context.flow_sign


def flow_sign_of(word: str) -> int:
    """1 for a word of inflow, -1 for one of outflow, 0 for others."""
    return 1 if word in _INFLOW else -1 if word in _OUTFLOW else 0


# Holders


def agent_of(sentence: Sentence, found: FoundCue, context: Context) -> Agent:
    """Who acts: the nearest actor before the cue, else after it, else in the title."""
    before = list(reversed(sentence.lower(found.first - AGENT_REACH, found.first)))
    after = sentence.lower(found.last + 1, found.last + 1 + AGENT_REACH // 2)
    for words in (before, after):
        for word in words:
            if word == ";":
                break
            if actor := _actor(word):
                return actor
    actors = {_actor(word) for word in context.title}
    for actor in ("institution", "private", "fund"):
        if actor in actors:
            return actor
    return "unknown"


def _actor(word: str) -> Agent | None:
    if word in PRIVATE_HOLDERS:
        return "private"
    if word in FUND_WORDS or word in ISSUERS:
        return "fund"
    if word in INSTITUTIONS or word in treasury_companies():
        return "institution"
    return None


def _holding(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    kind = found.cue.kind
    assert kind in ("buy", "sell", "hold")
    first, last = min(found.first, index), max(found.last, index)
    beside = sentence.lower(first - 2, last + 1 + ASSET_REACH)
    coins = quantity.unit == COIN or len(quantity.unit) > 3 or quantity.unit.lower() in asset_words()
    if not coins and asset_words().isdisjoint(beside):
        return None
    if kind != "hold" and not coins and not _SHARES.isdisjoint(sentence.lower(first, last + 4)):
        return None
    agent = agent_of(sentence, found, context)
    if agent == "private":
        return None
    if agent == "fund" and kind != "hold":
        return "net_flow", found.cue.sign
    if agent == "unknown" and not coins and context.title and kind == "hold":
        return None
    return kind, found.cue.sign


def _raise(
    sentence: Sentence, found: FoundCue, index: int, context: Context
) -> Meaning | None:
    words = words_of(sentence)
    if not words.isdisjoint(VENTURE):
        return None
    around = words | context.title
    if not around.isdisjoint(FUND_WORDS) and found.cue.phrases[0].startswith("raise"):
        if around.isdisjoint(treasury_companies()) and "treasury" not in around:
            return "net_flow", 1
    item = context.item
    aims = not item.isdisjoint(asset_words() - {"crypto"}) and not item.isdisjoint(TREASURY_WORDS)
    if not aims and item.isdisjoint(treasury_companies()):
        return None
    if found.cue.place == "after" and found.cue.phrases[0].startswith("raise"):
        near = set(sentence.lower(min(index, found.first), max(index, found.last) + 4))
        if "sell" in near | {"sold"} and near.isdisjoint(_SHARES) and {"sell", "sold", "selling", "sells"} & near:
            return None
    return "raise", 1


# Leverage


def _liquidation(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    words = words_of(sentence)
    if not (words | context.title).isdisjoint(BANKRUPTCY):
        return None
    cue_words = set(sentence.lower(found.first, found.last + 1))
    named = any(word.startswith("liquidat") for word in cue_words)
    around = words | context.around
    levered = not around.isdisjoint(
        {"long", "longs", "short", "shorts", "position", "positions", "leveraged", "leverage", "futures", "traders"}
    ) or any(word.startswith("liquidat") for word in around)
    if not named and not levered:
        return None
    near = set(sentence.lower(min(index, found.first), max(index, found.last) + 3))
    if cue_words & {"liquidates", "liquidate", "liquidating"} and quantity.unit not in ("USD", "EUR"):
        if near.isdisjoint({"long", "longs", "short", "shorts", "position", "positions"}):
            return ("sell", -1) if agent_of(sentence, found, context) == "institution" else None
    return "liquidation", -1


def _open_interest(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity
) -> Meaning | None:
    if quantity.unit == BARE and not (quantity.value >= 1000 and "btc" in words_of(sentence)):
        return None
    if quantity.unit == "bp":
        return None
    first, last = min(found.first, index), max(found.last, index)
    between = sentence.lower(first, last + 2)
    level = bool(sentence.lower(index - 1, index)) and sentence.lower(index - 1, index)[0] in ("to", "at", "of")
    falls = not FALL_WORDS.isdisjoint(between)
    if quantity.unit == "%" and index < found.first:
        return None
    return "open_interest", -1 if falls and not level else 1


# Rates


def _rate(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity
) -> Meaning | None:
    words = words_of(sentence)
    near = set(sentence.lower(index - 6, index + 6))
    if words.isdisjoint(RATE_WORDS) and quantity.unit != "bp":
        return None
    if quantity.unit == "%" and (quantity.value > HIGHEST_RATE or not near.isdisjoint(NOT_POLICY)):
        return None
    if quantity.unit == "%" and near.isdisjoint({"rate", "rates", "yield", "yields", "hike", "hikes", "percentage", "fed"}):
        return None
    before = sentence.lower(index - 2, index)
    level = not {"to", "at", "range", "between", "from"}.isdisjoint(before) and quantity.unit == "%"
    return "rate", 1 if level else found.cue.sign
