"""The sentences that carry a tag, from the shares that tokens have in a driver's logit.

The network's driver logit is a sum over tokens (:mod:`nlp.training.network`), and so is the
word-level score (:mod:`nlp.lexical`); a sentence's share in the joined logit is the sum over its
tokens: an exact decomposition of the score, not an estimate made afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from nlp.encoding import places_in
from nlp.records import Item, Span
from nlp.windows import Reading, Sentence, Window

MOST = 3
# A further sentence is evidence too when its share is at least this part of the strongest one's.
ALSO = 0.5
# A window speaks for a driver when its probability there is at least this part of the strongest
# window's.
SPEAKS = 0.5


@dataclass(frozen=True)
class Told:
    """A window that was read: its tokens, and the share of each in the logit of each driver that
    asks for evidence, ``shares`` (tokens, drivers)."""

    window: Window
    encoding: Encoding
    shares: NDArray[np.float32]


def choose_evidence(
    item: Item, reading: Reading, told: Sequence[Told], probability: NDArray[np.float64]
) -> list[tuple[Span, ...]]:
    """Evidence for each driver that asks for it, in the order of the item.

    ``probability`` (windows, drivers) is how probable each is in each window.
    """
    sentences = reading.sentences()
    if len(sentences) == 1:
        return [(_span(sentences[0], item),)] * probability.shape[1]
    told_in = [_sentences_of(sentences, one, reading.title) for one in told]
    found = []
    for driver, in_window in enumerate(probability.T):
        speaks = np.flatnonzero(~(in_window < SPEAKS * in_window.max())).tolist()
        numbers = np.concatenate([told_in[window] for window in speaks])
        shares = np.concatenate([told[window].shares[:, driver] for window in speaks])
        chosen = _strongest(numbers, shares, len(sentences))
        found.append(tuple(_span(sentences[number], item) for number in chosen))
    return found


def _strongest(
    numbers: NDArray[np.int64], shares: NDArray[np.float32], sentences: int
) -> list[int]:
    """The sentences with the greatest sums of shares, by the sentence that each token is in."""
    inside = numbers >= 0
    numbers = numbers[inside]
    total = np.bincount(numbers, shares[inside], sentences).tolist()
    ranked = sorted(set(numbers.tolist()), key=lambda number: (-total[number], number))
    chosen = [number for number in ranked[:MOST] if total[number] >= ALSO * total[ranked[0]]]
    return sorted(chosen or ranked[:1])


def _sentences_of(sentences: Sequence[Sentence], told: Told, title: str) -> NDArray[np.int64]:
    """The number of the sentence that each token stands in, -1 for none."""
    parts, starts = places_in(told.encoding)
    found = np.full(len(parts), -1)
    titled = told.window.title is not None
    for part in (0, 1):
        of_title = titled and part == 0
        shift = len(title) - len(title.lstrip()) if of_title else told.window.text_start
        begins = [
            (one.start, number)
            for number, one in enumerate(sentences)
            if one.field == ("title" if of_title else "text")
        ]
        inside = np.flatnonzero(parts == part)
        if begins and len(inside):
            first = [start for start, _ in begins]
            place = np.searchsorted(first, starts[inside] + shift, side="right") - 1
            found[inside] = np.where(place < 0, -1, begins[0][1] + place)
    return found


def _span(sentence: Sentence, item: Item) -> Span:
    field = (item.title if sentence.field == "title" else item.text) or ""
    text = field[sentence.start : sentence.end]
    return Span(field=sentence.field, start=sentence.start, end=sentence.end, text=text)
