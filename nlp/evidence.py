"""The sentences that carry a tag, from the shares that tokens have in a driver's logit.

The network's driver logit is a sum over tokens (:mod:`nlp.training.network`), and so is the
word-level score (:mod:`nlp.lexical`); a sentence's share in the joined logit is the sum over its
tokens: an exact decomposition of the score, not an estimate made afterwards.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlp.records import FieldName, Span
from nlp.windows import Sentence

MOST = 3
# A further sentence is evidence too when its share is at least this part of the strongest one's.
ALSO = 0.5
# A window speaks for a driver when its probability there is at least this part of the strongest
# window's.
SPEAKS = 0.5

Place = tuple[FieldName, int]


def choose_evidence(
    sentences: Sequence[Sentence],
    places: Sequence[Sequence[Place | None]],
    shares: Sequence[NDArray[np.float32]],
    window_probability: NDArray[np.float64],
    fields: dict[FieldName, str],
) -> tuple[Span, ...]:
    """Evidence for one driver, in the order of the item.

    ``places`` and ``shares`` hold, for each window, the place and the share of each token;
    ``window_probability`` (windows,) is the driver's probability in each; ``fields`` are the fields
    as given.
    """
    total: dict[int, float] = defaultdict(float)
    starts: dict[FieldName, list[tuple[int, int]]] = {field: [] for field in fields}
    for number, sentence in enumerate(sentences):
        starts[sentence.field].append((sentence.start, number))
    for window, probability in enumerate(window_probability):
        if probability < SPEAKS * window_probability.max():
            continue
        for place, share in zip(places[window], shares[window], strict=False):
            if place is not None:
                found = _sentence_at(starts[place[0]], place[1])
                if found is not None:
                    total[found] += float(share)
    if not total:
        return ()
    ranked = sorted(total, key=lambda number: (-total[number], number))
    strongest = total[ranked[0]]
    chosen = [number for number in ranked[:MOST] if total[number] >= ALSO * strongest] or ranked[:1]
    return tuple(_span(sentences[number], fields) for number in sorted(chosen))


def _sentence_at(starts: list[tuple[int, int]], position: int) -> int | None:
    place = bisect_right(starts, (position, 1 << 60)) - 1
    return starts[place][1] if place >= 0 else None


def _span(sentence: Sentence, fields: dict[FieldName, str]) -> Span:
    text = fields[sentence.field][sentence.start : sentence.end]
    return Span(field=sentence.field, start=sentence.start, end=sentence.end, text=text)
