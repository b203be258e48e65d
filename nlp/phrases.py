"""Phrases found in a row of words, all of them in one pass, through a trie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Meaning = TypeVar("Meaning")


@dataclass
class _Node(Generic[Meaning]):
    following: dict[str, _Node[Meaning]] = field(default_factory=dict)
    meanings: list[Meaning] = field(default_factory=list)


class Phrases(Generic[Meaning]):
    """Phrases of one word or more, each with what it means."""

    def __init__(self) -> None:
        self._root: _Node[Meaning] = _Node()

    def add(self, words: Sequence[str], meaning: Meaning) -> None:
        """Add a phrase; one that is there already has both meanings."""
        node = self._root
        for word in words:
            node = node.following.setdefault(word, _Node())
        node.meanings.append(meaning)

    def find(self, words: Sequence[str]) -> list[tuple[int, int, Meaning]]:
        """First word, end (exclusive) and meaning of every phrase, also of those that overlap."""
        found: list[tuple[int, int, Meaning]] = []
        opening = self._root.following
        for first, word in enumerate(words):
            if word not in opening:
                continue
            node: _Node[Meaning] | None = opening[word]
            end = first + 1
            while node is not None:
                for meaning in node.meanings:
                    found.append((first, end, meaning))
                node = node.following.get(words[end]) if end < len(words) else None
                end += 1
        return found
