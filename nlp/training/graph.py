"""Int8 weights in the exported graph, for size and for speed on a CPU.

Products with constant matrices become ``MatMulNBits`` nodes: int8 weights with a scale for each
block of rows (round to nearest; Jacob et al. 2018, arXiv:1712.05877), whose kernel also turns each
row of the activations into int8, block by block. So an item's result does not depend on the batch
it is in, as it would with one scale for a whole batch. Half again as fast as float32 here.
"""

from __future__ import annotations

import logging

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

BLOCK_ROWS = 128
# Accumulate in int8: needs VNNI for its speed, and falls back to float32 where there is none.
INT8_ACTIVATIONS = 4


def quantise_tables(model: onnx.ModelProto) -> None:
    """Store embedding tables as int8 with a scale a row, unfolded when the model is loaded."""
    graph = model.graph
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    kept, unfold = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in looked_up or values.ndim != 2:
            kept.append(tensor)
            continue
        quantised, scale = _by_row(values)
        names = (f"{tensor.name}.int8", f"{tensor.name}.scale")
        kept += [numpy_helper.from_array(quantised, names[0])]
        kept += [numpy_helper.from_array(scale, names[1])]
        unfold.append(helper.make_node("DequantizeLinear", list(names), [tensor.name], axis=0))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = [*unfold, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def quantise_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn products with constant matrices into int8 ones; needs onnxruntime's quantiser."""
    from onnxruntime.quantization.matmul_nbits_quantizer import (  # noqa: PLC0415 - export only
        DefaultWeightOnlyQuantConfig,
        MatMulNBitsQuantizer,
    )

    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.WARNING)
    config = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK_ROWS, is_symmetric=True, accuracy_level=INT8_ACTIVATIONS, bits=8
    )
    quantiser = MatMulNBitsQuantizer(model, algo_config=config)
    quantiser.process()
    quantised: onnx.ModelProto = quantiser.model.model
    return quantised


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes of its own code: stack traces with paths of this machine."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output]
    for part in [*parts, *graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]


def _by_row(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = np.abs(values).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1
    return np.rint(values / scale).astype(np.int8), scale.ravel().astype(np.float32)
