"""One sentence ready for the grammar: its words, figures and cues."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from corpus.records import Record
from nlp.amounts.quantities import COIN, Quantity
from nlp.records import AmountKind

if TYPE_CHECKING:
    from spacy.matcher import Matcher
    from spacy.vocab import Vocab

CueKind = AmountKind | Literal["other"]


class Cue(Record):
    """A group of phrases that give figures near them a kind; see the head of ``grammar.toml``."""

    kind: CueKind
    sign: Literal[-1, 0, 1]
    place: Literal["after", "before", "either"]
    phrases: tuple[str, ...]
    reach: float = 9.0
    planned: AmountKind | None = None


@dataclass(frozen=True)
class Word:
    """A token: its place in the field and its text in lower case; ``quantity`` where it is a figure."""

    start: int
    end: int
    lower: str
    text: str
    quantity: Quantity | None = None


@dataclass(frozen=True)
class FoundCue:
    """A cue that covers the words ``first`` to ``last`` (inclusive) of a sentence."""

    first: int
    last: int
    cue: Cue


@dataclass(frozen=True)
class Sentence:
    """Words, cues and the numbers of the words that are figures."""

    words: tuple[Word, ...]
    cues: tuple[FoundCue, ...]
    figures: tuple[int, ...]

    def lower(self, first: int, last: int) -> list[str]:
        """Lower-case texts of the words from ``first`` up to ``last`` (exclusive)."""
        return [word.lower for word in self.words[max(0, first) : max(0, last)]]


_TOKEN = re.compile(r"[^\W\d_]+(?:['’.&][^\W\d_]+)*+(?:-[^\W\d_]+)?|\d+(?:st|nd|rd|th)?|\S", re.IGNORECASE)
# Names of figures for the Matcher: they keep numbers out of spaCy's store of strings.
_NUMBER_WORDS = {"%": "#percent", "bp": "#points", COIN: "#coins", "bare": "#number"}


def read_sentence(text: str, start: int, end: int, quantities: Sequence[Quantity]) -> Sentence:
    """The sentence at ``start`` to ``end`` of ``text``; ``quantities`` are the figures inside it."""
    words: list[Word] = []
    figures: list[int] = []
    position = start
    for quantity in quantities:
        words += _plain_words(text, position, quantity.start)
        figures.append(len(words))
        name = _NUMBER_WORDS.get(quantity.unit, "#amount")
        words.append(
            Word(quantity.start, quantity.end, name, text[quantity.start : quantity.end], quantity)
        )
        position = quantity.end
    words += _plain_words(text, position, end)
    return Sentence(tuple(words), tuple(_find_cues(words)), tuple(figures))


def _plain_words(text: str, start: int, end: int) -> list[Word]:
    found = []
    for match in _TOKEN.finditer(text, start, end):
        lower = match[0].lower().replace("’", "'")
        found.append(Word(match.start(), match.end(), lower, match[0]))
    return found


def _find_cues(words: Sequence[Word]) -> list[FoundCue]:
    from spacy.tokens import Doc  # noqa: PLC0415 - slow to import, and texts without figures need none

    vocab, matcher = _matcher()
    names = ["#number" if word.lower.isdigit() else word.lower[:40] for word in words]
    document = Doc(vocab, words=names)
    rules = cues()
    return [
        FoundCue(first, end - 1, rules[int(vocab.strings[key].removeprefix("cue "))])
        for key, first, end in matcher(document)
    ]


@cache
def cues() -> tuple[Cue, ...]:
    """The cues of the grammar, in the order of the file."""
    table = tomllib.loads(files("nlp.amounts").joinpath("grammar.toml").read_text(encoding="utf-8"))
    return tuple(Cue(**row) for row in table["cue"])


@cache
def _matcher() -> tuple[Vocab, Matcher]:
    import spacy  # noqa: PLC0415 - slow to import
    from spacy.matcher import Matcher  # noqa: PLC0415

    vocab = spacy.blank("en").vocab
    matcher = Matcher(vocab)
    for number, cue in enumerate(cues()):
        matcher.add(f"cue {number}", [_pattern(phrase) for phrase in cue.phrases], greedy="LONGEST")
    return vocab, matcher


def _pattern(phrase: str) -> list[dict[str, object]]:
    pattern: list[dict[str, object]] = []
    for element in phrase.split():
        part: dict[str, object] = {"LOWER": {"IN": element.removesuffix("?").split("|")}}
        if element.endswith("?"):
            part["OP"] = "?"
        pattern.append(part)
    return pattern
