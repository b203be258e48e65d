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


def readable(text: str) -> str:
    """The text, of the same length, with endless runs and half characters blanked.

    Runs of :data:`LONGEST_RUN` or more characters without white space and lone surrogates (which
    have no UTF-8 form) become spaces; every other character keeps its place.
    """
    return _RUN.sub(lambda run: " " * len(run[0]), _SURROGATE.sub(" ", text))
