"""Mark the evidence and the amounts in a text, however they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from corpus.records import Record
from nlp.records import FieldName, TagRecord


class Segment(Record):
    """A run of text; ``drivers`` rest on it, and ``amount`` says whether it states one."""

    text: str
    drivers: tuple[str, ...]
    amount: bool


def marked(text: str, record: TagRecord | None, field: FieldName) -> tuple[Segment, ...]:
    """The text in segments that give it back when put together."""
    if record is None:
        return (Segment(text=text, drivers=(), amount=False),) if text else ()
    evidence = [
        (span.start, span.end, tag.driver)
        for tag in record.drivers
        for span in tag.evidence
        if span.field == field
    ]
    amounts = [(one.start, one.end) for one in record.amounts if one.field == field]
    edges = [edge for start, end, _ in evidence for edge in (start, end)]
    edges += [edge for pair in amounts for edge in pair]
    cuts = sorted({0, len(text)} | {edge for edge in edges if edge < len(text)})
    return tuple(
        Segment(
            text=text[start:end],
            drivers=_over(evidence, start, end),
            amount=any(first <= start and end <= last for first, last in amounts),
        )
        for start, end in pairwise(cuts)
    )


def _over(evidence: Sequence[tuple[int, int, str]], start: int, end: int) -> tuple[str, ...]:
    drivers = [name for first, last, name in evidence if first <= start and end <= last]
    return tuple(dict.fromkeys(drivers))
