"""Int8 weights in the exported graph, for size and for speed on a CPU.

Products with constant matrices become ``MatMulNBits`` nodes: int8 weights with a scale for each
block of rows (round to nearest; Jacob et al. 2018, arXiv:1712.05877), whose kernel also turns each
row of the activations into int8, block by block. So an item's result does not depend on the batch
it is in, as it would with one scale for a whole batch. Half again as fast as float32 here.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from nlp.backends import BLOCK_ROWS

# Accumulate in int8: needs VNNI for its speed, and falls back to float32 where there is none.
INT8_ACTIVATIONS = 4


SMALLEST_SCALE = 2.0**-20


def in_steps(
    values: NDArray[np.float32], block: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows cut into blocks of ``block`` columns and rounded to multiples of a scale a block.

    From (rows, columns) to int8 (rows, blocks, block), padded with zeros, and scales (rows,
    blocks) of four significant bits.
    """
    rows, columns = values.shape
    padded = np.pad(values, ((0, 0), (0, -columns % block))).reshape(rows, -1, block)
    fraction, exponent = np.frexp(np.abs(padded).max(axis=-1) / 127)
    scale = np.maximum(np.ldexp(np.ceil(fraction * 16) / 16, exponent), SMALLEST_SCALE)
    return np.rint(padded / scale[..., None]).astype(np.int8), scale.astype(np.float32)


def rounded(values: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """``values`` (rows, columns) as the graph holds them; exact in float16."""
    steps, scale = in_steps(values, block)
    unfolded = (steps * scale[..., None]).reshape(len(values), -1)[:, : values.shape[1]]
    found: NDArray[np.float32] = unfolded.astype(np.float32)
    return found


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
        steps, scale = in_steps(values, values.shape[1])
        names = (f"{tensor.name}.int8", f"{tensor.name}.scale")
        kept += [numpy_helper.from_array(steps[:, 0], names[0])]
        kept += [numpy_helper.from_array(scale[:, 0], names[1])]
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
    constants = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if len(tensor.dims) == 2
    }
    matrices = {
        node.output[0]: constants[node.input[1]]
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in constants
    }
    config = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK_ROWS, is_symmetric=True, accuracy_level=INT8_ACTIVATIONS, bits=8
    )
    quantiser = MatMulNBitsQuantizer(model, algo_config=config)
    quantiser.process()
    quantised: onnx.ModelProto = quantiser.model.model
    # The quantiser takes scales of full precision: put ours in their place.
    fresh: dict[str, NDArray[Any]] = {}
    for node in quantised.graph.node:
        if node.op_type == "MatMulNBits":
            steps, scale = in_steps(matrices[node.output[0]].T, BLOCK_ROWS)
            fresh[node.input[1]] = (steps.astype(np.int16) + 128).astype(np.uint8)
            fresh[node.input[2]] = scale
    for tensor in quantised.graph.initializer:
        if tensor.name in fresh:
            values = fresh[tensor.name].reshape(tuple(tensor.dims))
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return quantised


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes of its own code: stack traces with paths of this machine."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output]
    for part in [*parts, *graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]
