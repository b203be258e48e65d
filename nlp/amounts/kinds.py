"""What a figure means: the nearest cue decides, and gates throw out what only looks like an amount.

``docs/amounts.md`` states the rules; this module is their one implementation. Everything here is
pure and works on one :class:`~nlp.amounts.sentences.Sentence` with the :class:`Context` around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nlp.amounts.context import Context
from nlp.amounts.gates import admit
from nlp.amounts.quantities import BARE, COIN, MONEY, Quantity
from nlp.amounts.sentences import FoundCue, Sentence
from nlp.amounts.sides import Side, side_of
from nlp.amounts.tense import is_expected
from nlp.amounts.vocabulary import (
    CLAUSE_BREAKS,
    FUND_WORDS,
    LIGHT_WORDS,
    PAIR_LEADS,
    PAIR_WORDS,
    PRICE_PREPOSITIONS,
)
from nlp.records import AmountKind

CROSSED_FIGURE = 2.0
CLAUSE_BREAK = 3.0
STRONG_BREAK = 5.0
COMMA = 1.0
LIGHT = 0.25
SMALL_MONEY = 1_000_000.0
SMALL_MONEY_REACH = 1.5
LEAST_MONEY, MOST_MONEY, MOST_COINS = 1e4, 2e11, 1e8
UNLIMITED = 99.0
RIVAL = 2.5  # a cue so much farther off than a nearer one that was thrown out tells nothing
LIST_GAP = 9


@dataclass(frozen=True)
class Reading:
    """The meaning of the figure that is word ``index`` of its sentence."""

    index: int
    quantity: Quantity
    kind: AmountKind
    sign: int
    side: Side | None
    realised: bool
    cue: FoundCue


def read_figures(sentence: Sentence, context: Context) -> list[Reading]:
    """The amounts among the figures of a sentence, in order of place."""
    readings: dict[int, Reading] = {}
    previous: int | None = None
    for index in sentence.figures:
        if previous is not None and _is_pair(sentence, previous, index):
            partner = readings.get(previous)
            reading = _as_partner(sentence, index, partner) if partner else None
        else:
            reading = _by_cue(sentence, index, context)
            if reading is None and previous in readings:
                reading = _as_list_item(sentence, index, readings[previous])
        if reading is not None:
            readings[index] = reading
        previous = index
    return list(readings.values())


def figure_at(sentence: Sentence, index: int) -> Quantity:
    """The figure that is word ``index``; raises ValueError where there is none."""
    quantity = sentence.words[index].quantity
    if quantity is None:
        raise ValueError(f"word {index} is no figure")
    return quantity


# The nearest cue


def _by_cue(sentence: Sentence, index: int, context: Context) -> Reading | None:
    quantity = figure_at(sentence, index)
    if not _is_plausible(quantity) or _is_price(sentence, index, quantity):
        return None
    reach_of_small = SMALL_MONEY_REACH if _is_small_money(quantity) else UNLIMITED
    candidates: list[tuple[float, bool, FoundCue]] = []
    for found in sentence.cues:
        reach = min(found.cue.reach, reach_of_small)
        cost = cost_between(sentence, found, index, reach)
        if cost <= reach and _speaks_of(found, quantity):
            other = found.cue.kind == "other"
            # "$2B of volume and $90M of outflows": volume is strong for its own figure only.
            bias = found.cue.bias if not other or cost < 1 else 0.0
            candidates.append((cost - bias, not other, found))
    candidates.sort(key=lambda one: (one[0], one[1], one[2].first - one[2].last))
    for cost, _, found in candidates:
        if found.cue.kind == "other" or cost > candidates[0][0] + RIVAL:
            return None
        meaning = admit(sentence, found, index, quantity, context)
        if meaning is None:
            continue
        kind, sign = meaning
        realised = not is_expected(sentence, index, found, kind)
        if not realised and found.cue.planned and kind == found.cue.kind:
            kind = found.cue.planned
        side = None
        if kind == "liquidation":
            side = side_of(sentence, index, found, context)
            sign = 1 if side == "short" else -1
        return Reading(index, quantity, kind, sign, side, realised, found)
    return None


def _speaks_of(found: FoundCue, quantity: Quantity) -> bool:
    units = found.cue.units
    if units == "any":
        return True
    if units == "small":
        return _is_small_money(quantity)
    return (quantity.unit in MONEY) == (units == "money")


def cost_between(sentence: Sentence, found: FoundCue, index: int, reach: float) -> float:
    """How much lies between cue and figure: words, breaks and other figures.

    A phrase whose figures stand on the other side is out of reach.

    Counting stops beyond ``reach``, so that a long sentence takes no longer than its figures.
    """
    if found.first <= index <= found.last:
        return 0.0
    after = index > found.last
    first, last = (found.last + 1, index) if after else (index + 1, found.first)
    if found.cue.place != "either" and (found.cue.place == "after") != after:
        return UNLIMITED
    cost = 0.0
    for word in sentence.words[first:last]:
        if word.quantity is not None:
            cost += CROSSED_FIGURE
        elif word.lower in ("and", ","):
            cost += COMMA
        elif word.lower in CLAUSE_BREAKS:
            cost += CLAUSE_BREAK
        elif word.lower in ";:—–|.?!":
            cost += STRONG_BREAK
        elif word.lower in LIGHT_WORDS:
            cost += LIGHT
        else:
            cost += 1.0
        if cost > reach:
            return UNLIMITED
    return cost


def _is_small_money(quantity: Quantity) -> bool:
    return quantity.unit in MONEY and quantity.value < SMALL_MONEY


def _is_plausible(quantity: Quantity) -> bool:
    """No nation's debt, no supply of a meme coin, no price of a share."""
    if quantity.unit == COIN:
        return 0 < quantity.value <= MOST_COINS
    if quantity.unit in ("USD", "EUR", "GBP"):
        return LEAST_MONEY <= quantity.value <= MOST_MONEY
    return quantity.value > 0


def _is_price(sentence: Sentence, index: int, quantity: Quantity) -> bool:
    """Money of less than a million after "above", "at", "hits", or written "$105K"."""
    if not _is_small_money(quantity):
        return False
    if sentence.words[index].text[-1] in "kK":
        return True
    before = sentence.lower(index - 3, index)
    return bool(before) and (
        before[-1] in PRICE_PREPOSITIONS
        or (len(before) > 1 and before[-1] in LIGHT_WORDS and before[-2] in PRICE_PREPOSITIONS)
    )


# Figures that share the meaning of the one before


def _is_pair(sentence: Sentence, first: int, second: int) -> bool:
    """Whether the second figure is the first in another unit: "8,178 BTC (~$836M)"."""
    one, other = figure_at(sentence, first), figure_at(sentence, second)
    between = sentence.lower(first + 1, second)
    if one.unit == other.unit or "%" in (one.unit, other.unit) or not 1 <= len(between) <= 8:
        return False
    if BARE in (one.unit, other.unit) or "bp" in (one.unit, other.unit):
        return False
    return all(word in PAIR_WORDS for word in between) and not PAIR_LEADS.isdisjoint(between)


def _as_partner(sentence: Sentence, index: int, partner: Reading) -> Reading | None:
    quantity = figure_at(sentence, index)
    coins, money = (partner.quantity, quantity)
    if partner.quantity.unit in MONEY:
        coins, money = money, coins
    # "5,000 BTC for $105,000 each" tells a price, not what was paid for all.
    if money.value < SMALL_MONEY and coins.value > 1 and money.value < 20 * coins.value:
        return None
    following = sentence.lower(index + 1, index + 3)
    if following[:1] == ["each"] or following[:1] == ["per"] or following == ["a", "coin"]:
        return None
    kind = partner.kind
    bought = {"purchased", "bought", "acquired"} & set(sentence.lower(partner.index, index))
    if kind == "hold" and bought:
        kind = "buy"
    return replace(partner, index=index, quantity=quantity, kind=kind)


def _as_list_item(sentence: Sentence, index: int, earlier: Reading) -> Reading | None:
    """In "IBIT took in $300M, FBTC $80M and ARKB $12M" the later figures are flows too."""
    quantity = figure_at(sentence, index)
    between = sentence.lower(earlier.index + 1, index)
    if (
        earlier.kind != "net_flow"
        or quantity.unit != earlier.quantity.unit
        or len(between) > LIST_GAP
    ):
        return None
    listed = ("," in between or "and" in between) and not FUND_WORDS.isdisjoint(between)
    if not listed or _is_price(sentence, index, quantity):
        return None
    return replace(earlier, index=index, quantity=quantity)
