"""What drivers added by a user say of an item, beside the shipped ones and without touching them.

The added drivers see every window of an article, since the word-level head that spares the network
windows without a shipped driver knows nothing of theirs. A driver is as strong in the article as
:func:`nlp.decide.article_logits` has it. Its stance is the overall sentiment's: the network's
stance head is conditioned on drivers learned with it, and knows no other. Its evidence are the
sentences without which the driver's probability falls most, each tried by reading the window again
without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from nlp.added_drivers import AddedDriver
from nlp.decide import Floats, article_logits, sigmoid
from nlp.evidence import ALSO, MOST, SPEAKS
from nlp.lexical import BUCKETS, token_runs
from nlp.records import DriverTag, Item, Sentiment, Span
from nlp.windows import Reading, Sentence, Window

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Pair = tuple[str | None, str | None]


@dataclass(frozen=True)
class Views:
    """What added drivers see of windows: mean token states (windows, width), and words (windows,
    buckets) as sparse rows of unit length.
    """

    states: Floats
    words: csr_matrix

    def rows(self, numbers: Sequence[int] | NDArray[np.int64] | slice) -> Views:
        """The views of some windows."""
        return Views(self.states[numbers], self.words[numbers])


ViewsOf = Callable[[Sequence[Pair]], Views]


def word_rows(encodings: Sequence[Encoding], rarity: NDArray[np.float32]) -> csr_matrix:
    """Token runs weighted by rarity (buckets,), each row scaled to unit length."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to import, and most add no driver

    item, bucket = token_runs(encodings)
    weight = rarity[bucket].astype(np.float64)
    length = np.sqrt(np.bincount(item, weight**2, minlength=len(encodings)))
    return csr_matrix((weight / length[item], (item, bucket)), shape=(len(encodings), BUCKETS))


@dataclass(frozen=True)
class Additions:
    """What is added to a tag record."""

    tags: tuple[DriverTag, ...]
    uncertain: tuple[str, ...]
    probabilities: dict[str, float]


class AddedHeads:
    """Added drivers, side by side; ``digits`` is how probabilities are rounded."""

    def __init__(
        self, drivers: Sequence[AddedDriver], *, body_shift: float, digits: int, views_of: ViewsOf
    ) -> None:
        self.drivers = tuple(drivers)
        self._state_weights = np.array([driver.state_weights for driver in drivers], np.float64)
        self._word_weights = np.zeros((BUCKETS, len(self.drivers)))
        for number, driver in enumerate(drivers):
            self._word_weights[list(driver.words), number] = driver.word_weights
        self._bias = np.array([driver.bias for driver in drivers], np.float64)
        self._body_shift = body_shift
        self._digits = digits
        self._views_of = views_of

    def judge(self, item: Item, reading: Reading, views: Views, sentiment: Sentiment) -> Additions:
        """Judge one item by the views of its windows, the lead first."""
        logits = self._logits(views)
        whole = logits[0] if len(logits) == 1 else article_logits(logits, self._body_shift)
        probabilities = {
            driver.name: round(float(value), self._digits)
            for driver, value in zip(self.drivers, sigmoid(whole), strict=True)
        }
        tags = [
            DriverTag(
                driver=driver.name,
                probability=probabilities[driver.name],
                stance=sentiment.label,
                stance_score=sentiment.score,
                evidence=self._evidence(item, reading, number, sigmoid(logits[:, number])),
            )
            for number, driver in enumerate(self.drivers)
            if probabilities[driver.name] >= driver.threshold
        ]
        return Additions(
            tags=tuple(sorted(tags, key=lambda tag: -tag.probability)),
            uncertain=tuple(
                driver.name
                for driver in self.drivers
                if driver.uncertain_from <= probabilities[driver.name] < driver.uncertain_to
            ),
            probabilities=probabilities,
        )

    def _logits(self, views: Views) -> Floats:
        # Row by row: a product of matrices may round a row by what other rows there are.
        from_states = np.array([self._state_weights @ row for row in views.states])
        logits: Floats = from_states + views.words @ self._word_weights + self._bias
        return logits

    def _evidence(
        self, item: Item, reading: Reading, number: int, window_probability: Floats
    ) -> tuple[Span, ...]:
        speaking = window_probability >= SPEAKS * window_probability.max()
        sentences: list[Sentence] = []
        without: list[Pair] = []
        before: list[float] = []
        for window, speaks, probability in zip(
            reading.windows, speaking, window_probability, strict=True
        ):
            inside = _sentences_in(window, reading.sentences()) if speaks else []
            sentences += inside
            without += [_without(window, sentence) for sentence in inside]
            before += [float(probability)] * len(inside)
        fall = np.array(before)
        left = [place for place, pair in enumerate(without) if _has_words(pair)]
        if left:
            again = self._logits(self._views_of([without[place] for place in left]))
            fall[left] -= sigmoid(again[:, number])
        ranked = sorted(range(len(sentences)), key=lambda place: (-fall[place], place))
        chosen = [
            place for place in ranked[:MOST] if fall[place] >= ALSO * fall[ranked[0]] > 0
        ] or ranked[:1]
        fields = {"title": item.title or "", "text": item.text or ""}
        return tuple(
            Span(
                field=sentences[place].field,
                start=sentences[place].start,
                end=sentences[place].end,
                text=fields[sentences[place].field][sentences[place].start : sentences[place].end],
            )
            for place in sorted(chosen)
        )


def _sentences_in(window: Window, sentences: Sequence[Sentence]) -> list[Sentence]:
    end = window.text_start + len(window.text or "")
    return [
        sentence
        for sentence in sentences
        if (sentence.field == "title" and window.title is not None)
        or (sentence.field == "text" and window.text_start <= sentence.start < end)
    ]


def _without(window: Window, sentence: Sentence) -> Pair:
    if sentence.field == "title":
        return None, window.text
    start, end = sentence.start - window.text_start, sentence.end - window.text_start
    text = window.text or ""
    return window.title, f"{text[:start]} {text[end:]}".strip() or None


def _has_words(pair: Pair) -> bool:
    return any(character.isalnum() for field in pair if field for character in field)
