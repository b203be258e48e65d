"""One sentence ready for the grammar: its words, figures and cues."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from corpus.records import Record
from nlp.amounts.quantities import Quantity
from nlp.readable import word_set
from nlp.records import AmountKind

if TYPE_CHECKING:
    from spacy.matcher import PhraseMatcher
    from spacy.vocab import Vocab

CueKind = AmountKind | Literal["other"]
Told = TypeVar("Told")


class Cue(Record):
    """A group of phrases that give figures near them a kind; see the head of ``grammar.toml``."""

    kind: CueKind
    sign: Literal[-1, 0, 1]
    place: Literal["after", "before", "either"]
    phrases: tuple[str, ...]
    reach: float = 9.0
    bias: float = 0.0
    units: Literal["any", "money", "coins", "small"] = "any"
    planned: AmountKind | None = None


class Word(NamedTuple):
    """A token: its place in the field and its text in lower case; ``quantity`` where it is a
    figure."""

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

    @cached_property
    def distinct(self) -> frozenset[str]:
        """The lower-case words, each once."""
        return frozenset(word.lower for word in self.words)

    def lower(self, first: int, last: int) -> list[str]:
        """Lower-case texts of the words from ``first`` up to ``last`` (exclusive)."""
        return [word.lower for word in self.words[max(0, first) : max(0, last)]]


_TOKEN = re.compile(
    r"[^\W\d_]+(?:['’.&][^\W\d_]+)*+(?:-[^\W\d_]+)?|\d+(?:[sS][tT]|[nN][dD]|[rR][dD]|[tT][hH])?|\S"
)
# Stands for every figure in what the matcher reads: numbers would fill spaCy's store of strings.
_NUMBER = "#"


# The company of that name, told apart from a strategy.
STRATEGY = "#strategy"
# "raised funds" and "to fund" speak of money, "hedge fund" of a company: none is an investment
# product.
_HOMONYMS = {
    "funds": word_set(
        "raise raises raised raising customer customers user users company new additional fresh"
        " the's net hedge venture"
    ),
    "fund": frozenset(["to", "hedge", "venture", "will", "would", "helped", "and"]),
    "trust": frozenset(["to", "of", "in", "public"]),
}


class Sentences:
    """The sentences of a field, each read when it is first asked for: most figures need few."""

    def __init__(
        self, text: str, spans: Sequence[tuple[int, int]], quantities: Sequence[Quantity]
    ) -> None:
        self._text = text
        self._spans = list(_by_sentence(spans, quantities))
        self._read: dict[int, Sentence] = {}
        # By what is looked for and the number of a sentence: what those before it tell.
        self._told: defaultdict[Callable[[Sentence], Any], dict[int, Any]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, number: int) -> Sentence:
        if number not in self._read:
            self._read[number] = read_sentence(self._text, *self._spans[number])
        return self._read[number]

    def told_before(self, number: int, told_in: Callable[[Sentence], Told | None]) -> Told | None:
        """What ``told_in`` finds in the nearest sentence before ``number``, None without any.

        No sentence is asked twice: each of many figures would walk back over all that stand before.
        """
        known: dict[int, Told | None] = self._told[told_in]
        place = number
        while place and place not in known:
            told = told_in(self[place - 1])
            if told is not None:
                break
            place -= 1
        else:
            told = known.get(place)
        known.update(dict.fromkeys(range(place, number + 1), told))
        return told

    def written(self, number: int) -> str:
        """The sentence as it is written."""
        start, end, _ = self._spans[number]
        return self._text[start:end]

    def written_before(self, number: int) -> str:
        """The sentence before, as it is written; empty where a paragraph begins."""
        if not number:
            return ""
        between = self._text[self._spans[number - 1][1] : self._spans[number][0]]
        return "" if between.count("\n") > 1 else self.written(number - 1)

    def with_figures(self) -> Iterator[tuple[int, int, int]]:
        """Number, start and end of each sentence in which there is a figure."""
        for number, (start, end, inside) in enumerate(self._spans):
            if inside:
                yield number, start, end


def _by_sentence(
    spans: Sequence[tuple[int, int]], quantities: Sequence[Quantity]
) -> Iterator[tuple[int, int, list[Quantity]]]:
    position = 0
    for start, end in spans:
        inside = []
        while position < len(quantities) and quantities[position].start < end:
            if quantities[position].start >= start and quantities[position].end <= end:
                inside.append(quantities[position])
            position += 1
        yield start, end, inside


def read_sentence(text: str, start: int, end: int, quantities: Sequence[Quantity]) -> Sentence:
    """The sentence at ``start`` to ``end`` of ``text``; ``quantities`` are the figures inside
    it."""
    words: list[Word] = []
    figures: list[int] = []
    position = start
    for quantity in quantities:
        words += _plain_words(text, position, quantity.start)
        figures.append(len(words))
        written = text[quantity.start : quantity.end]
        words.append(Word(quantity.start, quantity.end, _NUMBER, written, quantity))
        position = quantity.end
    words += _plain_words(text, position, end)
    # Cues matter to figures alone; most sentences have none.
    return Sentence(tuple(words), tuple(_find_cues(words)) if figures else (), tuple(figures))


def _plain_words(text: str, start: int, end: int) -> list[Word]:
    found: list[Word] = []
    for match in _TOKEN.finditer(text, start, end):
        lower = match[0].lower().replace("’", "'").removesuffix("'s")
        before = found[-1].lower if found else ""
        if lower in _HOMONYMS and before in _HOMONYMS[lower]:
            lower = "money"
        elif lower == "strategy" and match[0][0].isupper() and _opens_name(found):
            lower = STRATEGY
        found.append(Word(match.start(), match.end(), lower, match[0]))
    return found


def _opens_name(before: Sequence[Word]) -> bool:
    """Whether "Strategy" after these words is the company: it opens a clause, or is Saylor's."""
    if not before:
        return True
    last = before[-1]
    if last.lower in ("saylor", "as", "while", "(", ":", ",", '"', "“", "."):
        return True
    return last.text.islower() and last.lower not in (
        "the",
        "a",
        "this",
        "that",
        "its",
        "new",
        "our",
    )


def _find_cues(words: Sequence[Word]) -> list[FoundCue]:
    """By place, those of one place in the order of the grammar: the matcher promises none."""
    from spacy.tokens import Doc  # noqa: PLC0415 - slow to import, and texts without figures need none

    vocab, matcher = _matcher()
    document = Doc(vocab, words=[_NUMBER if word.quantity else word.lower for word in words])
    found = sorted((first, end, int(vocab.strings[key])) for key, first, end in matcher(document))
    rules = cues()
    return [FoundCue(first, end - 1, rules[number]) for first, end, number in found]


@cache
def cues() -> tuple[Cue, ...]:
    """The cues of the grammar, in the order of the file."""
    table = tomllib.loads(files("nlp.amounts").joinpath("grammar.toml").read_text(encoding="utf-8"))
    return tuple(Cue(**row) for row in table["cue"])


@cache
def _matcher() -> tuple[Vocab, PhraseMatcher]:
    """A matcher of all phrases; it is a trie, so its work is linear in the words of a sentence."""
    from spacy.matcher import PhraseMatcher  # noqa: PLC0415 - slow to import
    from spacy.tokens import Doc  # noqa: PLC0415
    from spacy.vocab import Vocab  # noqa: PLC0415

    vocab = Vocab()
    matcher = PhraseMatcher(vocab, attr="ORTH")
    for number, cue in enumerate(cues()):
        phrases = {words for phrase in cue.phrases for words in _expand(phrase)}
        matcher.add(str(number), [Doc(vocab, words=list(words)) for words in sorted(phrases)])
    return vocab, matcher


def _expand(phrase: str) -> Iterator[tuple[str, ...]]:
    """Every row of words that a phrase of the grammar stands for."""
    choices = [
        [*element.removesuffix("?").split("|"), *([""] if element.endswith("?") else [])]
        for element in phrase.split()
    ]
    for words in product(*choices):
        yield tuple(word for word in words if word)
