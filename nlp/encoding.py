"""Text to token ids, the same for training and for tagging.

An item is encoded as a pair: title first, text second, with segment ids 0 and 1; an item without a
title or without a text is one segment. Only the Rust tokenizer is needed, not transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

MAX_TOKENS = 160
# Pieces that are remembered, and the longest of them: links seldom come again.
_REMEMBERED = 1 << 15
_LONGEST_PIECE = 40

Pair = tuple[str | None, str | None]
Places = tuple[NDArray[np.int64], NDArray[np.int64]]
_MARKER = np.array([-1])


class Piece(NamedTuple):
    """The tokens of what stands between two spaces, ``length`` characters; ``starts`` are places
    within it, -1 for a token that stands for no character.
    """

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    length: int


class TokenIds(Protocol):
    """What the word-level head reads of an encoding."""

    @property
    def ids(self) -> list[int]:
        """The numbers of the tokens, markers too."""
        ...


class Tokens:
    """Tokens of a title and a text as the network takes them, with segment ids 0 and 1."""

    def __init__(self, ids: list[int], type_ids: list[int], places: Callable[[], Places]) -> None:
        self.ids = ids
        self.type_ids = type_ids
        self._places = places

    @cached_property
    def places(self) -> Places:
        """For each token the part that it stands in, 0 or 1, and the character of it at which it
        starts; -1 and -1 for markers.
        """
        return self._places()


class TextEncoder:
    """Encodes pairs of title and text with the tokenizer of a model directory."""

    def __init__(self, tokenizer_file: Path, *, max_tokens: int = MAX_TOKENS) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        self._max_tokens = max_tokens
        # Nothing is made of markers alone: one opens it, one ends each part.
        self._opening, self._ending = self._tokenizer.encode("").ids
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._cut)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Encode each ``(title, text)``; offsets count characters of the part a token is from."""
        inputs: list[str | tuple[str, str]] = [
            (title, text) if title and text else (title or text or "") for title, text in pairs
        ]
        encodings: list[Encoding] = self._tokenizer.encode_batch(inputs)
        return encodings

    def tokens(self, title: str | None, text: str | None) -> Tokens:
        """What :meth:`encode` gives for a pair, put together from remembered pieces.

        The tokenizer cuts what stands between two spaces by itself, and news repeats its words.
        """
        parts = [self._pieces(part) for part in (title, text) if part] or [[]]
        ids = [self._opening]
        type_ids = [0]
        for number, pieces in enumerate(parts):
            before = len(ids)
            for piece in pieces:
                ids += piece.ids
            ids.append(self._ending)
            type_ids += [number] * (len(ids) - before)
        if len(ids) <= self._max_tokens:
            return Tokens(ids, type_ids, lambda: _places_of(parts))
        encoding = self.encode([(title, text)])[0]
        return Tokens(encoding.ids, encoding.type_ids, lambda: _places_in(encoding))

    def fits(self, title: str | None, text: str | None) -> bool:
        """Whether the pair is encoded whole."""
        parts = [self._pieces(part) for part in (title, text) if part] or [[]]
        return 1 + len(parts) + sum(map(_count, parts)) <= self._max_tokens

    def length(self, text: str) -> int:
        """Tokens of a text alone, markers too; those that are cut off do not count."""
        return min(2 + _count(self._pieces(text)), self._max_tokens)

    def _pieces(self, part: str) -> list[Piece]:
        remembered = self._remembered
        return [
            remembered(piece) if len(piece) <= _LONGEST_PIECE else self._cut(piece)
            for piece in part.split(" ")
        ]

    def _cut(self, piece: str) -> Piece:
        encoding = self._tokenizer.encode(piece, add_special_tokens=False)
        return Piece(
            tuple(encoding.ids),
            tuple(start if start < end else -1 for start, end in encoding.offsets),
            len(piece),
        )


def _count(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.ids) for piece in pieces)


def _places_of(parts: Sequence[Sequence[Piece]]) -> Places:
    of_part, starts = [_MARKER], [_MARKER]
    for number, pieces in enumerate(parts):
        lengths = np.array([piece.length + 1 for piece in pieces], np.int64)
        inside = np.array([start for piece in pieces for start in piece.starts], np.int64)
        begins = np.repeat(np.cumsum(lengths) - lengths, [len(piece.ids) for piece in pieces])
        of_part += [np.where(inside < 0, -1, number), _MARKER]
        starts += [np.where(inside < 0, -1, begins + inside), _MARKER]
    return np.concatenate(of_part), np.concatenate(starts)


def _places_in(encoding: Encoding) -> Places:
    places = [
        (-1, -1) if part is None or start == end else (part, start)
        for (start, end), part in zip(encoding.offsets, encoding.sequence_ids, strict=True)
    ]
    of_part, starts = np.array(places, np.int64).T
    return of_part, starts


def pad(encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
    """Right-pad to the longest.

    Arrays of shape (items, tokens) by the names the encoder expects.
    """
    width = max(len(encoding.ids) for encoding in encodings)
    shape = (len(encodings), width)
    batch = {
        "input_ids": np.zeros(shape, np.int64),
        "attention_mask": np.zeros(shape, np.int64),
        "token_type_ids": np.zeros(shape, np.int64),
    }
    for row, encoding in enumerate(encodings):
        length = len(encoding.ids)
        batch["input_ids"][row, :length] = encoding.ids
        batch["attention_mask"][row, :length] = 1
        batch["token_type_ids"][row, :length] = encoding.type_ids
    return batch
