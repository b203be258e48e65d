"""Sentences with exact offsets, by spaCy's rule-based sentencizer; a line break always ends one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

# A "sentence" longer than this has no usable punctuation; it is cut at a space.
LONGEST = 600


@cache
def _pipeline() -> Language:
    import spacy  # noqa: PLC0415 - slow to import, and headlines alone need no sentences

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    pipeline.max_length = 10_000_000
    return pipeline


# Windows, evidence and amounts ask for the sentences of the same text.
@lru_cache(maxsize=4096)
def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each sentence of ``text``, white space around it left out."""
    spans: list[tuple[int, int]] = []
    for line_start, line in _lines(text):
        for sentence in _pipeline()(line).sents:
            for start, end in _cut(line, sentence.start_char, sentence.end_char):
                stripped = line[start:end].strip()
                if stripped:
                    begin = line_start + start + line[start:end].index(stripped[0])
                    spans.append((begin, begin + len(stripped)))
    return tuple(spans)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    position = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            yield position, line
        position += len(line)


def _cut(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST:
        space = line.rfind(" ", start + 1, start + LONGEST)
        middle = space if space > start else start + LONGEST
        yield start, middle
        start = middle
    yield start, end
