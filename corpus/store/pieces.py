"""Long runs in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, ``size`` at a time, the last piece being what is left."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece
