"""A trained network as files: safetensors in half precision, ONNX with int8 weights."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file

from nlp.backends import BLOCK_ROWS
from nlp.training.graph import (
    quantise_products,
    quantise_tables,
    rounded,
    strip_traces,
)
from nlp.training.network import DriverNetwork, Outputs, products

TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_weights(network: DriverNetwork, graph: Path, weights: Path) -> None:
    """Write the ONNX graph and the safetensors of ``network``, which is left rounded.

    Both hold the same numbers: float16, and for products and tables the int8 steps of
    :mod:`nlp.training.graph`.
    """
    network = network.cpu().eval()
    state = network.state_dict()
    for tensor in state.values():
        tensor.copy_(tensor.half())
    write_onnx(network, graph)
    blocks = {f"{name}.weight": BLOCK_ROWS for name in products(network)}
    for name in TABLES:
        table = f"encoder.embeddings.{name}.weight"
        blocks[table] = state[table].shape[1]
    for name, block in blocks.items():
        state[name].copy_(torch.from_numpy(rounded(state[name].numpy(), block)))
    write_safetensors(network, weights)


def write_safetensors(network: DriverNetwork, path: Path) -> None:
    """All weights in float16, under the names of :class:`DriverNetwork`."""
    tensors = {
        name: tensor.detach().to(torch.float16).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    save_file(tensors, path, metadata={"format": "pt"})


def write_onnx(network: DriverNetwork, path: Path) -> None:
    """The network as one ONNX file with int8 weights; inputs and outputs as in :class:`Outputs`."""
    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in INPUTS)
    items, tokens = torch.export.Dim("items", min=1), torch.export.Dim("tokens", min=2, max=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            path,
            dynamo=True,
            external_data=False,
            dynamic_shapes=({0: items, 1: tokens},) * len(INPUTS),
            input_names=list(INPUTS),
            output_names=list(Outputs._fields),
            opset_version=20,
            verbose=False,
        )
    model = quantise_products(onnx.load(path))
    quantise_tables(model)
    strip_traces(model)
    onnx.save(model, path)
