"""Which side a liquidation closed."""

from __future__ import annotations

from typing import Literal

from nlp.amounts.context import Context
from nlp.amounts.sentences import FoundCue, Sentence
from nlp.amounts.vocabulary import (
    CLAUSE_BREAKS,
    FALL_WORDS,
    LONG_WORDS,
    PRIVATE_HOLDERS,
    SHORT_WORDS,
)

_DOWN = frozenset({"below", "falls", "drops", "fall", "drop", "dips", "under", "descends", "slips"})
_UP = frozenset(
    {
        "above",
        "breaks",
        "break",
        "surpass",
        "surpasses",
        "exceeds",
        "exceed",
        "rises",
        "past",
        "crosses",
    }
)
Side = Literal["long", "short", "total"]
WINDOW = 3
_STOPS = (CLAUSE_BREAKS - {"with"}) | {",", ";", ":", "—", "–", "|", "(", ")"}


def side_of(sentence: Sentence, index: int, found: FoundCue, context: Context) -> Side:
    """The side named beside figure and cue; a lone trader caught by a falling price was long."""
    near = _near(sentence, min(index, found.first), max(index, found.last), index)
    longs, shorts = not LONG_WORDS.isdisjoint(near), not SHORT_WORDS.isdisjoint(near)
    if longs != shorts:
        return "long" if longs else "short"
    if longs:
        return "total"
    words = {word.lower for word in sentence.words}
    if not words.isdisjoint({"if", "should"}):
        # "... if the price breaks $125,000": what lies above is short, what lies below is long.
        if not words.isdisjoint(_DOWN):
            return "long"
        if not words.isdisjoint(_UP):
            return "short"
    trader = not words.isdisjoint(PRIVATE_HOLDERS)
    if trader and (context.tells_of_fall or not words.isdisjoint(FALL_WORDS | {"below"})):
        return "long"
    return "total"


def _near(sentence: Sentence, first: int, last: int, index: int) -> set[str]:
    near = {word.lower for word in sentence.words[first : last + 1]}
    for step in (-1, 1):
        place = first if step < 0 else last
        for _ in range(WINDOW):
            place += step
            if not 0 <= place < len(sentence.words):
                break
            word = sentence.words[place]
            if word.lower in _STOPS or word.quantity is not None:
                break
            near.add(word.lower)
    return near
