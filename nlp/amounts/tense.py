"""Whether a figure is told as fact, or as a plan, a forecast or a condition."""

from __future__ import annotations

from nlp.amounts.sentences import FoundCue, Sentence
from nlp.amounts.vocabulary import EXPECTED, TENSE_BREAKS
from nlp.records import AmountKind

# Verbs of a forecast after the figure: "$10 billion inflows predicted by ...".
_AFTER = frozenset(
    {"predicted", "expected", "forecast", "looms", "loom", "projected", "planned", "if"}
)
_BEFORE_MONTHS = frozenset({"in", "of", "early", "mid", "late", "since", "until", "last", "this"})
_PAST = frozenset(
    {"bought", "sold", "held", "spent", "paid", "took", "saw", "drew", "lost", "shed"}
)
_DONE = frozenset(
    {"spent", "spends", "deploying", "deployed", "used", "uses", "using", "paid", "invested"}
)


def is_expected(sentence: Sentence, index: int, found: FoundCue, kind: AmountKind) -> bool:
    """True for "could see", "plans to", "to raise", "if ... would be liquidated" and their like."""
    if _is_told_as_done(sentence, index, found):
        return False
    first, last = min(index, found.first), max(index, found.last)
    begin = first
    while begin > 0 and sentence.words[begin - 1].lower not in TENSE_BREAKS:
        begin -= 1
    before = sentence.lower(begin, last + 1)
    for place, word in enumerate(before):
        perfect = before[place + 1 : place + 2] == ["have"] and word in ("may", "might", "could")
        if word in EXPECTED and not perfect and not _is_month(sentence, begin + place):
            return True
    if not _AFTER.isdisjoint(sentence.lower(last + 1, last + 4)):
        return True
    if kind == "liquidation" and any(
        word.lower in ("if", "should", "could") for word in sentence.words
    ):
        return True
    return _is_infinitive(sentence, found, begin)


def _is_month(sentence: Sentence, place: int) -> bool:
    """ "On May 6", "in May", "9 May": a month, where "may" alone is a doubt."""
    if sentence.words[place].text != "May":
        return False
    beside = sentence.words[max(0, place - 1) : place + 2]
    return any(word.text[:1].isdigit() for word in beside) or not _BEFORE_MONTHS.isdisjoint(
        sentence.lower(place - 1, place)
    )


def _is_told_as_done(sentence: Sentence, index: int, found: FoundCue) -> bool:
    """A verb in the past tense right before its figure, with no plan just before it."""
    verb = sentence.words[found.first].lower
    if found.cue.place != "after" or not (verb.endswith("ed") or verb in _PAST):
        return False
    if not found.last < index <= found.last + 6:
        return False
    return EXPECTED.isdisjoint(sentence.lower(found.first - 4, found.first))


def _is_infinitive(sentence: Sentence, found: FoundCue, begin: int) -> bool:
    """ "To raise $1 billion" is a plan, "spent $5 million to buy 50 BTC" is none."""
    if found.first == 0 or sentence.words[found.first - 1].lower != "to":
        return False
    if found.cue.place != "after":
        return False
    return _DONE.isdisjoint(sentence.lower(begin, found.first))
