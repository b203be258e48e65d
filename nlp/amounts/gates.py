"""Gates: what a cue must find around it before it gives its kind to a figure.

A flow needs a fund, a purchase a buyer who is no lone trader, a liquidation must not be a
bankrupt's, and so on; ``docs/amounts.md`` lists them.
"""

from __future__ import annotations

from typing import Literal

from nlp.amounts.context import Context
from nlp.amounts.quantities import BARE, MONEY, Quantity
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
    flow_sign_of,
    treasury_companies,
)
from nlp.readable import word_set
from nlp.records import AmountKind

Meaning = tuple[AmountKind, int]
Agent = Literal["fund", "institution", "private", "unknown"]

AGENT_REACH = 16
ASSET_REACH = 6
_SHARES = frozenset(
    {
        "stock",
        "share",
        "shares",
        "notes",
        "note",
        "equity",
        "preferred",
        "atm",
        "bond",
        "bonds",
        "debt",
    }
)
_BONDS = frozenset(
    {
        "treasuries",
        "u.s.",
        "us",
        "year",
        "-year",
        "10-year",
        "bond",
        "bonds",
        "note",
        "notes",
        "government",
        "gilt",
    }
)
_OWNED_SHARES = frozenset({"stake", "stakes", "shares"})
_ETFS = frozenset({"etf", "etfs", "etp", "etps"})
_POSITIONS = frozenset({"long", "longs", "short", "shorts", "position", "positions"})
_LEVERED = _POSITIONS | {"leveraged", "leverage", "futures", "traders"}
_CUTS = word_set(
    "cut cuts cutting slash slashes slashed lower lowers lowered reduction easing ease"
)
_HIKES = word_set("hike hikes hiked hiking raise raises raised raising lift lifts lifted increase")
NEAR_PERCENT = 7  # "open interest is down by a further 8%"
HIGHEST_RATE = 30.0


def admit(  # noqa: PLR0911 - one kind a line
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    """Kind and sign that the cue gives to the figure, or None where a gate is shut."""
    cue = found.cue
    percent = quantity.unit in ("%", "bp")
    if cue.kind == "rate":
        return _rate(sentence, found, index, quantity) if percent else None
    if cue.kind == "open_interest":
        return _open_interest(sentence, found, index, quantity)
    if percent or quantity.unit == BARE:
        return None
    if cue.kind == "net_flow":
        return _net_flow(sentence, found, index, quantity, context)
    if cue.kind == "liquidation":
        return _liquidation(sentence, found, index, quantity, context)
    if cue.kind == "raise":
        return _raise(sentence, found, index, context)
    if cue.kind in ("buy", "sell", "hold"):
        return _holding(sentence, found, index, quantity, context)
    return None


# Flows


def _net_flow(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    words = sentence.distinct
    told = not words.isdisjoint(FUND_CONTEXT) or not words.isdisjoint(ISSUERS)
    around = sentence.lower(found.first - 3, found.last + 4)
    if not EXCHANGE_FLOW.isdisjoint(around[:4]) and FUND_WORDS.isdisjoint(around):
        return None
    if not {"exchanges", "binance", "coinbase", "kraken"}.isdisjoint(
        {*around, *sentence.lower(index + 1, index + 5)}
    ):
        return None
    if not told and found.cue.place != "either" and found.cue.sign:
        return None
    if not told and not context.tells_of_funds:
        # Without a word on funds, only the plain nouns count, and not beside what else money flows
        # into.
        if found.cue.place != "either" or not words.isdisjoint(EXCHANGE_FLOW):
            return None
        if quantity.unit not in MONEY:
            return None
    sign = quantity.sign or found.cue.sign or _flow_sign(sentence, found, index, context)
    return ("net_flow", sign) if sign else None


def _flow_sign(sentence: Sentence, found: FoundCue, index: int, context: Context) -> int:
    """Direction told right after the figure, else before the cue, else after it, else earlier.

    A figure beside a single fund without any direction is an inflow, as tables of flows print it.
    """
    for word in sentence.words[index + 1 : index + 6]:
        if word.quantity is not None:
            break
        if sign := flow_sign_of(word.lower):
            return sign
    for word in reversed(sentence.words[: found.first]):
        if sign := flow_sign_of(word.lower):
            return sign
    for word in sentence.words[found.last + 1 :]:
        if sign := flow_sign_of(word.lower):
            return sign
    if context.flow_sign:
        return context.flow_sign
    # Tables print "Daily net flow: $96.1 million" and put a minus before an outflow.
    net = "net" in sentence.lower(found.first, found.last)
    return 1 if net or agent_of(sentence, found, context) == "fund" else 0


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
    ranked: tuple[Agent, ...] = ("institution", "private", "fund")
    return next((one for one in ranked if one in actors), "unknown")


def _actor(word: str) -> Agent | None:
    if word in PRIVATE_HOLDERS:
        return "private"
    if word in FUND_WORDS or word in ISSUERS:
        return "fund"
    if word in INSTITUTIONS or word in treasury_companies():
        return "institution"
    return None


def _holding(  # noqa: PLR0911 - one gate a line
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    kind = found.cue.kind
    assert kind in ("buy", "sell", "hold")
    first, last = min(found.first, index), max(found.last, index)
    coins = quantity.unit not in MONEY
    if not coins and not _names_asset(sentence, first, last):
        paid = not {"paid", "spent", "pay", "spend"}.isdisjoint(
            sentence.lower(found.first, found.last + 1)
        )
        if not paid or asset_words().isdisjoint(context.before):
            return None
    # "sold the key for 1000 ETH" tells a price.
    if coins and kind != "hold" and sentence.lower(index - 1, index) == ["for"]:
        return None
    if kind != "hold" and not coins and not _SHARES.isdisjoint(sentence.lower(first, last + 4)):
        return None
    agent = agent_of(sentence, found, context)
    if agent == "private":
        return None
    if agent == "fund" and kind != "hold":
        # "Sells its entire $350M ETF stake": an owner's shares of a fund, no flow of the fund.
        if not _OWNED_SHARES.isdisjoint(sentence.lower(index + 1, index + 7)):
            return None
        return "net_flow", found.cue.sign
    if agent == "unknown" and (
        quantity.value < 1 or (not coins and context.title and kind == "hold")
    ):
        return None
    return kind, found.cue.sign


def _names_asset(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a coin is named near: for money, so that buying a company is no purchase of coins."""
    near = sentence.words[max(0, first - ASSET_REACH) : last + 1 + ASSET_REACH]
    return any(
        word.lower in asset_words()
        or (
            word.quantity is not None
            and word.quantity.unit not in MONEY
            and word.quantity.unit.isupper()
        )
        for word in near
    )


def _raise(sentence: Sentence, found: FoundCue, index: int, context: Context) -> Meaning | None:
    words = sentence.distinct
    around = words | context.around
    if not around.isdisjoint(VENTURE) or {"government", "debt"} <= words:
        return None
    cue_words = sentence.lower(found.first, found.last + 1)
    sells = not {"sell", "sells", "selling", "sold", "offer", "offering"}.isdisjoint(cue_words)
    near = set(sentence.lower(min(index, found.first), max(index, found.last) + 6))
    if found.cue.place == "after" and sells and near.isdisjoint(_SHARES):
        return None
    by_fund = cue_words[0].startswith("rais") and not words.isdisjoint(_ETFS)
    if by_fund and near.isdisjoint(_SHARES) and agent_of(sentence, found, context) == "fund":
        return "net_flow", 1
    aims = not around.isdisjoint(asset_words()) and not around.isdisjoint(TREASURY_WORDS)
    if not aims and around.isdisjoint(treasury_companies()):
        return None
    return "raise", 1


# Leverage


def _liquidation(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity, context: Context
) -> Meaning | None:
    words = sentence.distinct
    if not (words | context.title).isdisjoint(BANKRUPTCY):
        return None
    cue_words = set(sentence.lower(found.first, found.last + 1))
    named = any(word.startswith("liquidat") for word in cue_words)
    around = words | context.around
    levered = not around.isdisjoint(_LEVERED) or any(word.startswith("liquidat") for word in around)
    if not named and not levered:
        return None
    near = set(sentence.lower(min(index, found.first), max(index, found.last) + 3))
    active = bool(cue_words & {"liquidates", "liquidate", "liquidating"})
    if active and quantity.unit not in MONEY and near.isdisjoint(_POSITIONS):
        # "The government liquidates 500 BTC" is a sale; a whale's is nothing of ours.
        return ("sell", -1) if agent_of(sentence, found, context) == "institution" else None
    return "liquidation", -1


def _open_interest(
    sentence: Sentence, found: FoundCue, index: int, quantity: Quantity
) -> Meaning | None:
    if quantity.unit == BARE and not (quantity.value >= 1000 and "btc" in sentence.distinct):
        return None
    if quantity.unit == "bp":
        return None
    first, last = min(found.first, index), max(found.last, index)
    between = sentence.lower(first, last + 2)
    level = bool(sentence.lower(index - 1, index)) and sentence.lower(index - 1, index)[0] in (
        "to",
        "at",
        "of",
    )
    falls = not FALL_WORDS.isdisjoint(between)
    if quantity.unit == "%" and (index < found.last or index - found.last > NEAR_PERCENT):
        return None
    return "open_interest", -1 if falls and not level else 1


# Rates


def _rate(sentence: Sentence, found: FoundCue, index: int, quantity: Quantity) -> Meaning | None:
    words = sentence.distinct
    near = set(sentence.lower(index - 9, index + 6))
    if words.isdisjoint(RATE_WORDS) and quantity.unit != "bp":
        return None
    if quantity.unit == "%" and (quantity.value > HIGHEST_RATE or not near.isdisjoint(NOT_POLICY)):
        return None
    if quantity.unit == "%" and near.isdisjoint(
        {"rate", "rates", "yield", "yields", "hike", "hikes", "percentage", "fed"}
    ):
        return None
    before = sentence.lower(index - 2, index)
    own_yield = {"yield", "yields", "return"} & near and {"rate", "rates"}.isdisjoint(near)
    if own_yield and near.isdisjoint(_BONDS):
        return None
    level = not {"to", "at", "range", "between", "from"}.isdisjoint(before) and quantity.unit == "%"
    return "rate", 1 if level else _rate_sign(sentence, found, index)


def _rate_sign(sentence: Sentence, found: FoundCue, index: int) -> int:
    """Direction of a change of rates: the nearest word of a cut or a rise, those before first."""
    for word in [
        *reversed(sentence.lower(index - 6, index)),
        *sentence.lower(index + 1, index + 5),
    ]:
        if word in _CUTS or word in _HIKES:
            return -1 if word in _CUTS else 1
    return found.cue.sign
