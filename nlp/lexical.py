"""The word-level half of the tagger: linear scores over hashed runs of tokens.

A run of one to three neighbouring tokens is hashed into one of :data:`BUCKETS` buckets; an item is
the set of its buckets, weighted by inverse document frequency and scaled to unit length (Salton and
Buckley 1988; hashing as in Weinberger et al. 2009, arXiv:0902.2206). Each output is a linear
function of that. Such a model knows words and names by heart where the encoder generalises; joined,
the two beat either (the model card has the figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

BUCKETS = 1 << 17
LONGEST_RUN = 3
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_CHAIN = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(64 - 17)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def token_runs(encodings: Sequence[Encoding]) -> tuple[Integers, Integers]:
    """Item number and bucket of every distinct run of tokens, sorted by item, then bucket."""
    lengths = np.array([len(encoding.ids) for encoding in encodings], np.int64)
    tokens = np.fromiter(
        chain.from_iterable(encoding.ids for encoding in encodings), np.uint64, int(lengths.sum())
    )
    item = np.repeat(np.arange(len(encodings)), lengths)
    found = []
    for place, buckets in enumerate(_buckets_by_length(tokens)):
        first = item[: len(buckets)]
        # A run that spans two items is none.
        found.append((first * BUCKETS + buckets)[first == item[place:]])
    distinct = np.unique(np.concatenate(found))
    return distinct // BUCKETS, distinct % BUCKETS


def _buckets_by_length(tokens: NDArray[np.uint64]) -> list[Integers]:
    """For runs of one token, of two and of three: the bucket of the run that begins at each."""
    spread = tokens * _SPREAD
    chain = spread
    found = [_bucket(chain)]
    for length in range(2, LONGEST_RUN + 1):
        chain = chain[:-1] * _CHAIN + spread[length - 1 :]
        found.append(_bucket(chain ^ np.uint64(length)))
    return found


def _bucket(hashed: NDArray[np.uint64]) -> Integers:
    return (hashed >> _SHIFT).astype(np.int64)


@dataclass(frozen=True)
class LexicalHead:
    """Linear scores by bucket.

    ``weights`` (buckets, outputs) int8, to be multiplied by ``scale`` (outputs,); ``rarity``
    (buckets,) is the inverse document frequency; ``bias`` (outputs,). Outputs are the drivers in
    manifest order, then the three stances of the overall sentiment.
    """

    weights: NDArray[np.int8]
    scale: Floats
    rarity: Floats
    bias: Floats

    def scores(self, encodings: Sequence[Encoding]) -> Floats:
        """Scores of shape (items, outputs)."""
        item, bucket = token_runs(encodings)
        rarity = self.rarity[bucket].astype(np.float64)
        starts = np.searchsorted(item, np.arange(len(encodings)))
        length = np.sqrt(np.add.reduceat(rarity**2, starts))
        weighted = self.weights[bucket].astype(np.float64) * rarity[:, None]
        total = np.add.reduceat(weighted, starts, axis=0) / length[:, None]
        return (total * self.scale + self.bias).astype(np.float32)

    def token_shares(self, encoding: Encoding, output: int) -> Floats:
        """What each token has in one score, shape (tokens,); they sum to the score less its bias.

        A run's part is split evenly over the tokens of all its places.
        """
        shares: Floats = self.shares_in(encoding, [output])[:, 0]
        return shares

    def shares_in(self, encoding: Encoding, outputs: Sequence[int]) -> Floats:
        """:meth:`token_shares` of several scores at once, shape (tokens, outputs)."""
        by_length = _buckets_by_length(np.array(encoding.ids, np.uint64))
        distinct, place, times = np.unique(
            np.concatenate(by_length), return_inverse=True, return_counts=True
        )
        rarity = self.rarity[distinct].astype(np.float64)
        worth = self.weights[distinct][:, outputs] * rarity[:, None]
        worth = worth * self.scale[outputs].astype(np.float64)
        worth /= (np.sqrt((rarity**2).sum()) * times)[:, None]
        shares = np.zeros((len(encoding.ids), len(outputs)))
        starts = np.cumsum([0, *map(len, by_length)])
        for earlier, (start, end) in enumerate(pairwise(starts)):
            part = worth[place[start:end]] / (earlier + 1)
            for offset in range(earlier + 1):
                shares[offset : offset + len(part)] += part
        return shares.astype(np.float32)


def load_lexical_head(path: Path) -> LexicalHead:
    """Read the head from a safetensors file."""
    from safetensors.numpy import load_file  # noqa: PLC0415 - only when a model is loaded

    tensors = load_file(path)
    return LexicalHead(
        weights=tensors["weights"],
        scale=tensors["scale"],
        rarity=tensors["rarity"].astype(np.float32),
        bias=tensors["bias"],
    )
