"""Int8 products: how weights and what goes into a product are rounded, in torch as in the graph.

A row of a product's input shares one scale, a column of its matrix another, so the product itself
is of whole numbers. Rows with a few large channels would lose their small ones; so each channel is
first multiplied by a factor, and the matrix divided by it, that makes the channels of a row alike
(SmoothQuant, Xiao et al. 2023, arXiv:2211.10438). What a GELU gives is hardly ever negative, so its
steps begin low.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding
from torch import Tensor, nn

from nlp.encoding import pad
from nlp.training.network import DriverNetwork, products

# The step, of 0 to 255, that stands for zero: in the middle, or low after a GELU, whose least value
# is LEAST_GELU.
MIDDLE = 128
LOW = 24
LEAST_GELU = 0.17
SMALLEST_SCALE = 2.0**-20
# Encodings that tell what goes into a product, in batches.
SAMPLE = 512
BATCH = 16
LARGEST_FACTOR = 64.0
# After a GELU no factor is above 1, or its negative values would run out of steps: the channels
# above this quantile are left as they are.
LEFT_ALONE = 0.2
# Added to the squares of the inputs, as a share of their mean, so that they have an inverse.
DAMPING = 0.01


@dataclass(frozen=True)
class RoundedProduct:
    """A product as the graph does it.

    ``matrix`` (inputs, outputs) float32 is held as ``steps`` (int8) times ``scale`` (outputs,),
    over ``factor`` (inputs,), by which the input is multiplied. ``zero`` is the step of the input
    that stands for zero.
    """

    matrix: NDArray[np.float32]
    factor: NDArray[np.float32]
    steps: NDArray[np.int8]
    scale: NDArray[np.float32]
    zero: int


@dataclass
class _Seen:
    """What went into a product: the largest of each channel by batch, and the sum of x x^T."""

    largest: list[Tensor]
    squares: Tensor


def in_steps(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows rounded to multiples of a scale a row: int8 of the same shape, and scales (rows,).

    Scales have four significant bits, so that a step times its scale is exact in float16.
    """
    fraction, exponent = np.frexp(np.abs(values).max(axis=-1) / 127)
    scale = np.maximum(np.ldexp(np.ceil(fraction * 16) / 16, exponent), SMALLEST_SCALE)
    return np.rint(values / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``values`` (rows, columns) as the graph holds a table; exact in float16."""
    steps, scale = in_steps(values)
    found: NDArray[np.float32] = (steps * scale[:, None]).astype(np.float32)
    return found


@torch.no_grad()
def round_products(
    network: DriverNetwork, encodings: Sequence[Encoding]
) -> dict[str, RoundedProduct]:
    """The int8 products of ``network`` by the names of :func:`products`, as fits ``encodings``.

    The error that rounding the input leaves in the outputs is least where a channel's factor is the
    root of its weights' size over its own largest value; products of one input share factors, so
    that it is rounded once. Weights are rounded one input after the other, and what each rounding
    leaves is made up for by those to come (GPTQ, Frantar et al. 2023, arXiv:2210.17323).
    """
    parts = products(network)
    seen = _inputs_of(network, encodings)
    factors: dict[str, Tensor] = {
        name: torch.ones(part.in_features) for name, part in parts.items()
    }
    for names in _sharing(parts):
        size = torch.stack(seen[names[0]].largest).mean(0).clamp(min=1e-6)
        weights = torch.cat([parts[name].weight for name in names]).norm(dim=0).clamp(min=1e-6)
        factor = weights.sqrt() / size
        if _follows_gelu(names[0]):
            factor = (factor / factor.quantile(LEFT_ALONE)).clamp(max=1)
        else:
            factor = factor / factor.median()
        factor = factor.clamp(1 / LARGEST_FACTOR, LARGEST_FACTOR).half().float()
        factors |= dict.fromkeys(names, factor)
    found = {}
    for name, part in parts.items():
        factor = factors[name]
        folded = part.weight / factor
        _, scale = in_steps(folded.numpy())
        steps = _made_up_for(
            folded, torch.from_numpy(scale), seen[name].squares * torch.outer(factor, factor)
        )
        found[name] = RoundedProduct(
            np.ascontiguousarray(part.weight.numpy().T),
            factor.numpy(),
            np.ascontiguousarray(steps.T),
            scale,
            _zero(name),
        )
    return found


def _inputs_of(network: DriverNetwork, encodings: Sequence[Encoding]) -> dict[str, _Seen]:
    seen: dict[str, _Seen] = {}
    real = torch.empty(0)

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            values = given[0]
            # What stands at places without a token is noise.
            rows = values[real] if values.shape[:2] == real.shape else values.flatten(0, -2)
            if name not in seen:
                seen[name] = _Seen([], rows.new_zeros(rows.shape[1], rows.shape[1]))
            seen[name].largest.append(rows.abs().amax(0))
            seen[name].squares.addmm_(rows.T, rows)

        return hook

    handles = [
        part.register_forward_pre_hook(note(name)) for name, part in products(network).items()
    ]
    sample = encodings[:: max(1, len(encodings) // SAMPLE)]
    for start in range(0, len(sample), BATCH):
        batch = {
            name: torch.from_numpy(ids) for name, ids in pad(sample[start : start + BATCH]).items()
        }
        real = batch["attention_mask"].bool()
        network(**batch)
    for handle in handles:
        handle.remove()
    return seen


def _made_up_for(weights: Tensor, scale: Tensor, squares: Tensor) -> NDArray[np.int8]:
    """Steps (outputs, inputs) of ``weights``, by the sum of their inputs' squares."""
    order = squares.diagonal().argsort(descending=True)
    left = weights[:, order].clone()
    squares = squares[order][:, order] + DAMPING * squares.diagonal().mean() * torch.eye(len(order))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(squares))
    shares = torch.linalg.cholesky(inverse, upper=True)
    steps = torch.empty_like(left)
    for place in range(left.shape[1]):
        value = left[:, place]
        steps[:, place] = (value / scale).round().clamp(-127, 127)
        error = (value - steps[:, place] * scale) / shares[place, place]
        left[:, place + 1 :].addr_(error, shares[place, place + 1 :], alpha=-1)
    found: NDArray[np.int8] = steps[:, order.argsort()].to(torch.int8).numpy()
    return found


def round_inputs(network: DriverNetwork) -> None:
    """Round what goes into each of :func:`products` to int8, row by row, as the graph does."""

    def hook(zero: int) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
        def as_rounded(part: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            factor = part.input_factor
            assert isinstance(factor, Tensor)
            even = given[0] * factor
            if zero == MIDDLE:
                scale = even.abs().amax(-1, keepdim=True).clamp(min=SMALLEST_SCALE) / levels(zero)
            else:
                scale = even.amax(-1, keepdim=True).clamp(min=least_top(zero)) / levels(zero)
            steps = (even / scale).round().clamp(-zero, 255 - zero)
            return (steps * scale / factor,)

        return as_rounded

    for name, part in products(network).items():
        part.register_forward_pre_hook(hook(_zero(name)))


def levels(zero: int) -> int:
    """How many steps there are for what is positive."""
    return 127 if zero == MIDDLE else 255 - zero


def least_top(zero: int) -> float:
    """The least that the largest value of a row is taken for: so the negative ones find steps."""
    return SMALLEST_SCALE if zero == MIDDLE else LEAST_GELU / zero * levels(zero)


def _zero(name: str) -> int:
    return LOW if _follows_gelu(name) else MIDDLE


def _follows_gelu(name: str) -> bool:
    return name == "stance_head.3" or _after_middle(name)


def _after_middle(name: str) -> bool:
    return name.endswith("output.dense") and not name.endswith("attention.output.dense")


def _sharing(parts: Mapping[str, nn.Linear]) -> list[list[str]]:
    """Names of products that are evened, those of one input together."""
    found: dict[str, list[str]] = {}
    for name in parts:
        place, _, last = name.rpartition(".")
        if place.endswith("attention.self"):
            found.setdefault(place, []).append(name)
        elif place.endswith("intermediate") or _after_middle(name):
            found[name] = [name]
        elif place.endswith("_pool") and last == "key":
            found.setdefault("pools", []).append(name)
    return list(found.values())
