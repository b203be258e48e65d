"""The tagger: items in, tag records out.

``Tagger.load().tag(items)`` is all that a notebook needs. An item's record does not depend on which
items are tagged beside it, in what order, or in batches of what size.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from corpus.errors import ModelError
from nlp.added_drivers import AddedDriver, load_drivers
from nlp.added_tagging import AddedHeads, Pair, Views, word_rows
from nlp.amounts import find_amounts
from nlp.backends import (
    Backend,
    BackendName,
    Logits,
    OnnxBackend,
    OpenVinoBackend,
    TorchBackend,
    run_batch,
    width_of,
)
from nlp.crypto_words import names_crypto
from nlp.decide import Judgement, Scores, judge
from nlp.encoding import TextEncoder
from nlp.entities import find_entities
from nlp.evidence import Told, choose_evidence
from nlp.language import detect_language
from nlp.lexical import LexicalHead, load_lexical_head
from nlp.manifest import LEXICAL_FILE, TOKENIZER_FILE, Manifest, read_manifest, verified
from nlp.records import (
    STANCES,
    Amount,
    DriverTag,
    Item,
    Sentiment,
    StanceProbabilities,
    TagFailure,
    TagRecord,
)
from nlp.taxonomy import drivers
from nlp.windows import Reading, read

SHIPPED = Path(__file__).resolve().parent.parent / "models" / "undertow-drivers"
# Tokens a batch: large enough to fill the processor, small enough to stay in its cache.
BATCH_TOKENS = 512
# Items that a lane takes at a time: enough of each width for batches, few enough that no lane is
# long without work at the end of a chunk.
LANE_ITEMS = 128
# Without a digit or a word of size (hundred thousand, billion, half a point) nothing is stated.
_MAY_STATE_AMOUNTS = re.compile(r"\d|thousand|illion|point", re.IGNORECASE)
# Digits of a probability in a record: what calibration can bear, and above the noise between
# processors.
DIGITS = 4

Tags = TagRecord | TagFailure


@dataclass(frozen=True)
class _Pending:
    """An item that the network must read; ``first`` is the number of its first window."""

    place: int
    item: Item
    language: str
    reading: Reading
    first: int


class Tagger:
    """Tags news items with drivers, stances, sentiment, evidence, amounts and entities."""

    def __init__(
        self,
        manifest: Manifest,
        backend: Backend,
        encoder: TextEncoder,
        lexical: LexicalHead,
        added: Sequence[AddedDriver] = (),
    ) -> None:
        self.manifest = manifest
        # Python runs one thread at a time anyway, and spaCy's vocabulary is not made for two.
        self._words = Lock()
        self.added = tuple(added)
        self._names = [one.name for one in manifest.heads] + [one.name for one in added]
        self._backend = backend
        self._encoder = encoder
        self._lexical = lexical
        # A bare passage may leave the word "crypto" to the sentence before it; an item does not.
        needing = {driver.name for driver in drivers() if driver.needs_crypto}
        self._needs_crypto = [
            number for number, head in enumerate(manifest.heads) if head.name in needing
        ]
        self._added_heads = AddedHeads(
            self.added,
            body_shift=manifest.long_text.body_shift,
            digits=DIGITS,
            views_of=self._views,
        )

    @classmethod
    def load(
        cls,
        directory: Path | None = None,
        *,
        backend: BackendName = "onnx",
        device: str = "cpu",
        threads: int | None = None,
        added: Sequence[Path] = (),
    ) -> Tagger:
        """Load a model directory, by default the one that comes with Undertow.

        ``backend`` is ``onnx`` (CPU), ``openvino`` (CPU; needs the extra of that name) or ``torch``
        (``device`` ``cpu`` or ``cuda``; needs the ``train`` extra); ``threads`` is how many
        processors the first two take, by default all that there are. ``added`` are files of
        drivers that a user has added (:mod:`nlp.added_drivers`), or folders of such. Raises
        :class:`ModelError` for a missing, damaged or unfit model or added driver.
        """
        place = directory or SHIPPED
        manifest = read_manifest(place)
        runner: Backend
        if backend == "torch":
            runner = TorchBackend(place, manifest, device=device)
        elif backend == "openvino":
            runner = OpenVinoBackend(place, manifest, threads=threads)
        else:
            runner = OnnxBackend(place, manifest, threads=threads)
        encoder = TextEncoder(
            verified(place, manifest, TOKENIZER_FILE), max_tokens=manifest.max_tokens
        )
        return cls(
            manifest,
            runner,
            encoder,
            load_lexical_head(verified(place, manifest, LEXICAL_FILE)),
            load_drivers(added, manifest),
        )

    @property
    def identity(self) -> str:
        """``name@version`` of the model, as it stands in each record.

        Added drivers follow as ``+name.digits`` each: other tags, so another name.
        """
        return "+".join([self.manifest.identity, *(driver.identity for driver in self.added)])

    def views(self, items: Sequence[Item]) -> Views:
        """What drivers are learned from: the view of each item's lead; items must have words.

        Raises :class:`ModelError` when the model's graph does not give mean states.
        """
        leads = [read(item, self._encoder).windows[0] for item in items]
        return self._views([(lead.title, lead.text) for lead in leads])

    def tag(self, items: Sequence[Item]) -> list[Tags]:
        """One record or failure an item, in the order of ``items``.

        Several items are tagged in lanes, one a processor: while one lane reads words, the network
        runs in the others.
        """
        if self.lanes == 1 or len(items) == 1:
            return self.tag_in_lane(items)
        size = max(1, min(LANE_ITEMS, -(-len(items) // self.lanes)))
        shares = [items[start : start + size] for start in range(0, len(items), size)]
        threads = ThreadPoolExecutor(self.lanes)
        try:
            return [one for share in threads.map(self.tag_in_lane, shares) for one in share]
        finally:
            threads.shutdown(cancel_futures=True)

    @property
    def lanes(self) -> int:
        """How many threads may be in :meth:`tag_in_lane` at a time, each on a processor."""
        return self._backend.lanes

    def tag_in_lane(self, items: Sequence[Item]) -> list[Tags]:
        """Like :meth:`tag`, in this thread alone; for servers that tag for many at a time."""
        found: dict[int, Tags] = {}
        pending: list[_Pending] = []
        windows = 0
        with self._words:
            for place, item in enumerate(items):
                ready = self._prepare(place, item, windows)
                if isinstance(ready, _Pending):
                    pending.append(ready)
                    windows += len(ready.reading.windows)
                else:
                    found[place] = ready
        if pending:
            pairs = [(one.title, one.text) for item in pending for one in item.reading.windows]
            encodings = self._encoder.encode(pairs)
            lexical = self._lexical.scores(encodings)
            chosen = [self._worth_reading(one, lexical) for one in pending]
            run = [number for numbers in chosen for number in numbers]
            logits = self._run(encodings, list(range(windows)) if self.added else run)
            with self._words:
                for one, numbers in zip(pending, chosen, strict=True):
                    record = self._record(one, numbers, encodings, logits, lexical)
                    if self.added:
                        record = self._with_added(record, one, encodings, logits)
                    found[one.place] = record
        return [found[place] for place in range(len(items))]

    def tag_stream(self, items: Iterable[Item], *, chunk: int = 1024) -> Iterator[Tags]:
        """Records in the order of ``items``, read ``chunk`` at a time: memory does not grow."""
        waiting = iter(items)
        while taken := list(islice(waiting, chunk)):
            yield from self.tag(taken)

    def _prepare(self, place: int, item: Item, first: int) -> _Pending | Tags:
        reading = read(item, self._encoder)
        if not reading.windows:
            return TagFailure(id=item.id, model=self.identity, error="no words in title or text")
        language = detect_language(f"{reading.title} {reading.text}".strip())
        if language is None or language not in self.manifest.languages:
            return self._unread(item, language)
        return _Pending(place, item, language, reading, first)

    def _unread(self, item: Item, language: str | None) -> TagRecord:
        return TagRecord(
            id=item.id,
            model=self.identity,
            language=language,
            relevant=None,
            sentiment=None,
            drivers=(),
            uncertain=(),
            probabilities=dict.fromkeys(self._names, 0.0),
            amounts=(),
            entities=(),
        )

    def _worth_reading(self, one: _Pending, lexical: NDArray[np.float32]) -> list[int]:
        """Numbers of the item's windows that the network reads: the lead, and the body windows in
        which the word-level head does not rule out every driver.
        """
        last = one.first + len(one.reading.windows)
        words = lexical[one.first : last, : len(self.manifest.heads)].max(axis=1)
        floor = self.manifest.long_text.body_floor
        return [
            number
            for number in range(one.first, last)
            if number == one.first or words[number - one.first] >= floor
        ]

    def _run(self, encodings: list[Encoding], numbers: list[int]) -> dict[int, Logits]:
        """Logits of the numbered windows, run in batches of one width."""
        by_width: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            by_width[width_of(encodings[number])].append(number)
        found: dict[int, Logits] = {}
        for width, same in sorted(by_width.items()):
            size = max(1, BATCH_TOKENS // width)
            for start in range(0, len(same), size):
                chosen = same[start : start + size]
                batch = run_batch(self._backend, [encodings[number] for number in chosen])
                for row, number in enumerate(chosen):
                    found[number] = batch.row(row)
        return found

    def _views(self, pairs: Sequence[Pair]) -> Views:
        encodings = self._encoder.encode(pairs)
        logits = self._run(encodings, list(range(len(encodings))))
        states = _stacked([_state(logits[number]) for number in range(len(encodings))])
        return Views(states, word_rows(encodings, self._lexical.rarity))

    def _with_added(
        self,
        record: TagRecord,
        one: _Pending,
        encodings: list[Encoding],
        logits: dict[int, Logits],
    ) -> TagRecord:
        """The record with what added drivers say put after what the shipped ones do."""
        assert record.sentiment is not None
        last = one.first + len(one.reading.windows)
        views = Views(
            _stacked([_state(logits[number]) for number in range(one.first, last)]),
            word_rows(encodings[one.first : last], self._lexical.rarity),
        )
        found = self._added_heads.judge(one.item, one.reading, views, record.sentiment)
        return record.model_copy(
            update={
                "drivers": record.drivers + found.tags,
                "uncertain": record.uncertain + found.uncertain,
                "probabilities": record.probabilities | found.probabilities,
            }
        )

    def _record(
        self,
        one: _Pending,
        numbers: list[int],
        encodings: list[Encoding],
        logits: dict[int, Logits],
        lexical: NDArray[np.float32],
    ) -> TagRecord:
        windows = [logits[number] for number in numbers]
        judgement = judge(
            Scores(
                driver=_stacked([window.driver for window in windows]),
                stance=_stacked([window.stance for window in windows]),
                sentiment=_stacked([window.sentiment for window in windows]),
                relevance=np.array([float(window.relevance) for window in windows]),
                lexical=lexical[numbers].astype(np.float64),
            ),
            self.manifest,
        )
        item = one.item
        entities = find_entities(item.title, item.text)
        if item.title and not names_crypto(entities, item.title, item.text):
            judgement.driver[self._needs_crypto] = 0.0
        tags = self._driver_tags(one, judgement, numbers, windows, encodings)
        probabilities = [_rounded(probability) for probability in judgement.driver.tolist()]
        return TagRecord(
            id=item.id,
            model=self.identity,
            language=one.language,
            relevant=bool(tags) or judgement.relevance >= self.manifest.relevance_threshold,
            sentiment=_sentiment(judgement.sentiment),
            drivers=tags,
            uncertain=tuple(
                head.name
                for head, probability in zip(self.manifest.heads, probabilities, strict=True)
                if head.uncertain_from <= probability < head.uncertain_to
            ),
            probabilities={
                head.name: probability
                for head, probability in zip(self.manifest.heads, probabilities, strict=True)
            },
            amounts=_amounts(item),
            entities=entities,
        )

    def _driver_tags(
        self,
        one: _Pending,
        judgement: Judgement,
        numbers: list[int],
        windows: list[Logits],
        encodings: list[Encoding],
    ) -> tuple[DriverTag, ...]:
        """Tags at or above their thresholds, most probable first."""
        chosen = [
            number
            for number, head in enumerate(self.manifest.heads)
            if _rounded(judgement.driver[number]) >= head.threshold
        ]
        if not chosen:
            return ()
        chosen.sort(key=lambda number: -judgement.driver[number])
        told = [
            Told(
                one.reading.windows[number - one.first],
                encodings[number],
                self._token_shares(chosen, window, encodings[number]),
            )
            for number, window in zip(numbers, windows, strict=True)
        ]
        evidence = choose_evidence(one.item, one.reading, told, judgement.window_driver[:, chosen])
        tags = []
        for number, spans in zip(chosen, evidence, strict=True):
            stance = judgement.stance[number]
            tags.append(
                DriverTag(
                    driver=self.manifest.heads[number].name,
                    probability=_rounded(judgement.driver[number]),
                    stance=STANCES[int(stance.argmax())],
                    stance_score=_rounded(stance[2] - stance[0]),
                    evidence=spans,
                )
            )
        return tuple(tags)

    def _token_shares(
        self, chosen: list[int], window: Logits, encoding: Encoding
    ) -> NDArray[np.float32]:
        """Shares of a window's tokens in the logits of the chosen drivers, of both halves."""
        heads = [self.manifest.heads[number] for number in chosen]
        network = np.array([head.network for head in heads], np.float32)
        lexical = np.array([head.lexical for head in heads], np.float32)
        of_network = window.token_share[chosen, : len(encoding.ids)].T
        of_words = self._lexical.shares_in(encoding, chosen)
        shares: NDArray[np.float32] = network * of_network + lexical * of_words
        return shares


def _amounts(item: Item) -> tuple[Amount, ...]:
    if any(_MAY_STATE_AMOUNTS.search(field) for field in (item.title, item.text) if field):
        return find_amounts(item.title, item.text, item.published_at)
    return ()


def _state(window: Logits) -> NDArray[np.float32]:
    if window.mean_state is None:
        raise ModelError(
            "this model was made before drivers could be added to one",
            remedy="use the shipped model, or train it again",
        )
    return window.mean_state


def _stacked(rows: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    if len(rows) == 1:
        return rows[0][None].astype(np.float64)
    return np.stack(rows).astype(np.float64)


def _sentiment(probabilities: NDArray[np.float64]) -> Sentiment:
    bearish, neutral, bullish = (_rounded(one) for one in probabilities)
    return Sentiment(
        label=STANCES[int(probabilities.argmax())],
        score=_rounded(probabilities[2] - probabilities[0]),
        probabilities=StanceProbabilities(bearish=bearish, neutral=neutral, bullish=bullish),
    )


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
