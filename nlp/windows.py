"""An item's text cut into windows that the network can read at once.

Short items are one window. A long article is a *lead* window (title and opening) and *body* windows
of a few whole sentences each, without the title: this is how items of the training set look. Page
furniture (:mod:`nlp.boilerplate`), markup and control characters are blanked out character by
character, so that every offset into a window is an offset into the field as given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nlp.boilerplate import is_boilerplate
from nlp.encoding import TextEncoder
from nlp.records import FieldName, Item
from nlp.sentences import sentence_spans

# What follows is not read: a news story of 8,000 words is no story, and one item must not stop a
# batch.
LONGEST_TEXT = 50_000
LONGEST_TITLE = 2_000
LEAD_TOKENS = 128
BODY_TOKENS = 96

_MARKUP = re.compile(
    r"<(?:script|style)\b.{0,20000}?</(?:script|style)>|</?[a-zA-Z!][^<>]{0,1000}>", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True)
class Sentence:
    """Characters ``start`` to ``end`` of a field."""

    field: FieldName
    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """What the network reads at once: the title (if it is part of it) and a slice of the text.

    ``text_start`` is where the slice begins in the text.
    """

    title: str | None
    text: str | None
    text_start: int
    is_lead: bool


@dataclass(frozen=True)
class Reading:
    """An item ready for the network: blanked fields (same length as given) and its windows."""

    title: str
    text: str
    windows: tuple[Window, ...]

    def sentences(self) -> tuple[Sentence, ...]:
        """Title and sentences of the text, without page furniture, in order."""
        found = [Sentence("title", *span) for span in _trimmed(self.title)]
        found += [Sentence("text", start, end) for start, end in sentence_spans(self.text)]
        return tuple(found)


def read(item: Item, encoder: TextEncoder) -> Reading:
    """Blank what is not prose and cut the rest into windows.

    ``windows`` is empty without any word.
    """
    title = blanked((item.title or "")[:LONGEST_TITLE])
    text = _without_furniture(blanked((item.text or "")[:LONGEST_TEXT]))
    if not any(character.isalnum() for character in title + text):
        return Reading(title, text, ())
    whole = Window(title.strip() or None, text if text.strip() else None, 0, is_lead=True)
    if len(text) < 300 or not encoder.encode([(whole.title, whole.text)])[0].overflowing:
        return Reading(title, text, (whole,))
    return Reading(title, text, tuple(_cut(title.strip() or None, text, encoder)))


def blanked(field: str) -> str:
    """The field with markup and control characters replaced by as many spaces."""
    if "<" in field:
        field = _MARKUP.sub(lambda match: " " * len(match[0]), field)
    return _CONTROL.sub(" ", field)


def _without_furniture(text: str) -> str:
    if not is_boilerplate(text) and "\n" not in text:
        return text
    pieces = list(text)
    for start, end in sentence_spans(text):
        if is_boilerplate(text[start:end]):
            pieces[start:end] = " " * (end - start)
    return "".join(pieces)


def _cut(title: str | None, text: str, encoder: TextEncoder) -> list[Window]:
    spans = sentence_spans(text)
    sizes = [len(one.ids) for one in encoder.encode([(None, text[a:b]) for a, b in spans])]
    room = LEAD_TOKENS - (len(encoder.encode([(title, None)])[0].ids) if title else 0)
    windows: list[Window] = []
    begin = used = 0
    for number, size in enumerate(sizes):
        if number > begin and used + size > room:
            windows.append(_window(title, text, spans[begin][0], spans[number - 1][1], not windows))
            begin, used, room = number, 0, BODY_TOKENS
        used += size
    if not spans:
        return [Window(title, None, 0, is_lead=True)]
    windows.append(_window(title, text, spans[begin][0], spans[-1][1], not windows))
    return windows


def _window(title: str | None, text: str, start: int, end: int, is_lead: bool) -> Window:
    return Window(title if is_lead else None, text[start:end], start, is_lead)


def _trimmed(field: str) -> list[tuple[int, int]]:
    stripped = field.strip()
    if not stripped:
        return []
    start = field.index(stripped)
    return [(start, start + len(stripped))]
