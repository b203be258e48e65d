"""A trained network as files: safetensors in half precision and an ONNX graph with int8 weights.

Weights are stored as int8 with one scale per output channel (symmetric, round to nearest; Jacob et
al. 2018, arXiv:1712.05877, weights only) and unfolded once at load; activations stay in float32. So
an item's result does not depend on the batch it is in, as it would with activation scales taken
over a batch.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from safetensors.torch import save_file

from nlp.training.network import DriverNetwork, Outputs

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SMALLEST_QUANTISED = 4096  # below this many values, int8 saves nothing worth its rounding


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
    network = network.cpu().eval()
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
    model = onnx.load(path)
    _quantise_weights(model)
    onnx.save(model, path)


def _quantise_weights(model: onnx.ModelProto) -> None:
    graph = model.graph
    kept, unfold = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim != 2 or values.size < SMALLEST_QUANTISED:
            kept.append(tensor)
            continue
        # Rows of the embedding table are looked up whole; columns of a matrix are output channels.
        axis = 0 if values.shape[0] > values.shape[1] * 8 else 1
        scale = np.abs(values).max(axis=1 - axis, keepdims=True) / 127
        scale[scale == 0] = 1
        quantised = np.rint(values / scale).astype(np.int8)
        names = (f"{tensor.name}.int8", f"{tensor.name}.scale")
        kept.append(numpy_helper.from_array(quantised, names[0]))
        kept.append(numpy_helper.from_array(scale.ravel().astype(np.float32), names[1]))
        unfold.append(helper.make_node("DequantizeLinear", list(names), [tensor.name], axis=axis))
    nodes = [*unfold, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
