"""Text made safe to read, and sets of words written in one line."""

from __future__ import annotations

import re

# Longer than any word, link or figure; spaCy's tokenizer takes quadratic time over such runs.
LONGEST_RUN = 200
_RUN = re.compile(rf"\S{{{LONGEST_RUN},}}+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


def case_folded(text: str) -> str:
    """The text in small letters, as patterns that ignore case compare them; its length may change.

    Python's patterns take the Turkish i, with a dot or without, for an i.
    """
    folded = text.casefold()
    return folded if folded.isascii() else folded.replace("i\u0307", "i").replace("\u0131", "i")


def readable(text: str) -> str:
    """The text, of the same length, with endless runs and half characters blanked.

    Runs of :data:`LONGEST_RUN` or more characters without white space and lone surrogates (which
    have no UTF-8 form) become spaces; every other character keeps its place.
    """
    whole = text if text.isascii() else _SURROGATE.sub(" ", text)
    if max(map(len, whole.split()), default=0) < LONGEST_RUN:
        return whole
    return _RUN.sub(lambda run: " " * len(run[0]), whole)
