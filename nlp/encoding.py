"""Text to token ids, the same for training and for tagging.

An item is encoded as a pair: title first, text second, with segment ids 0 and 1; an item without a
title or without a text is one segment. Only the Rust tokenizer is needed, not transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

MAX_TOKENS = 160


class TextEncoder:
    """Encodes pairs of title and text with the tokenizer of a model directory."""

    def __init__(self, tokenizer_file: Path, *, max_tokens: int = MAX_TOKENS) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")

    def encode(self, pairs: Sequence[tuple[str | None, str | None]]) -> list[Encoding]:
        """Encode each ``(title, text)``; offsets count characters of the part a token is from."""
        inputs: list[str | tuple[str, str]] = [
            (title, text) if title and text else (title or text or "") for title, text in pairs
        ]
        encodings: list[Encoding] = self._tokenizer.encode_batch(inputs)
        return encodings


def places_in(encoding: Encoding) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each token the part that it stands in, 0 or 1, and the character of it at which it
    starts; -1 and -1 for markers.
    """
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
