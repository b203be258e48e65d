"""Int8 weights in the exported graph, for size and for speed on a CPU.

Products with constant matrices become products of whole numbers (Jacob et al. 2018,
arXiv:1712.05877), rounded by :mod:`nlp.training.rounding`. Each row of the activations has a scale
of its own, so an item's result does not depend on the batch it is in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from nlp.training.rounding import MIDDLE, RoundedProduct, in_steps, least_top, levels


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
        steps, scale = in_steps(values)
        names = (f"{tensor.name}.int8", f"{tensor.name}.scale")
        kept += [numpy_helper.from_array(steps, names[0])]
        kept += [numpy_helper.from_array(scale, names[1])]
        unfold.append(helper.make_node("DequantizeLinear", list(names), [tensor.name], axis=0))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = [*unfold, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def quantise_products(model: onnx.ModelProto, known: Iterable[RoundedProduct]) -> None:
    """Turn products with constant matrices into int8 ones.

    Each must be one of ``known``: :class:`ValueError` otherwise, for the torch backend would not
    round it.
    """
    known = list(known)
    graph = model.graph
    constants = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if len(tensor.dims) == 2
    }
    inputs = _RoundedInputs()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in constants:
            nodes.append(node)
            continue
        product = _find(known, constants.pop(node.input[1]))
        before, steps, scale = inputs.of(node.input[0], product)
        name, found = node.input[1], node.output[0]
        nodes += [
            *before,
            helper.make_node(
                "MatMulIntegerToFloat",
                [
                    steps,
                    inputs.constant(f"{name}.int8", product.steps),
                    inputs.constant("one", np.float32(1)),
                    inputs.constant(f"{name}.scale", product.scale),
                    inputs.constant(f"zero.{product.zero}", np.uint8(product.zero)),
                ],
                [f"{found}.unscaled"],
                domain="com.microsoft",
            ),
            helper.make_node("Mul", [f"{found}.unscaled", scale], [found]),
        ]
    kept = [one for one in graph.initializer if len(one.dims) != 2 or one.name in constants]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *inputs.constants.values()])
    del graph.node[:]
    graph.node.extend(nodes)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _find(known: list[RoundedProduct], matrix: NDArray[Any]) -> RoundedProduct:
    for product in known:
        if np.array_equal(product.matrix, matrix):
            return product
    raise ValueError(f"a product of shape {matrix.shape} is none of the network's")


class _RoundedInputs:
    """Nodes that round a value row by row; the same for all products of one value."""

    def __init__(self) -> None:
        self.constants: dict[str, onnx.TensorProto] = {}
        self._known: dict[tuple[str, bytes, int], tuple[str, str]] = {}

    def of(self, value: str, product: RoundedProduct) -> tuple[list[onnx.NodeProto], str, str]:
        """New nodes, and the names of the steps and of their scale."""
        zero = product.zero
        key = (value, product.factor.tobytes(), zero)
        if key in self._known:
            return [], *self._known[key]
        name = f"{value}.{len(self._known)}"
        nodes = []
        even = value
        if (product.factor != 1).any():
            even = f"{name}.even"
            factor = self.constant(f"{name}.factor", product.factor)
            nodes.append(helper.make_node("Mul", [value, factor], [even]))
        size = even
        if zero == MIDDLE:
            size = f"{name}.size"
            nodes.append(helper.make_node("Abs", [even], [size]))
        last = self.constant("last_axis", np.array([-1]))
        least = self.constant(f"least.{zero}", np.float32(least_top(zero)))
        count = self.constant(f"levels.{zero}", np.float32(levels(zero)))
        one = self.constant("one", np.float32(1))
        nodes += [
            helper.make_node("ReduceMax", [size, last], [f"{name}.max"], keepdims=1),
            helper.make_node("Max", [f"{name}.max", least], [f"{name}.top"]),
            helper.make_node("Div", [f"{name}.top", count], [f"{name}.scale"]),
            helper.make_node("Div", [even, f"{name}.scale"], [f"{name}.scaled"]),
            helper.make_node(
                "QuantizeLinear",
                [f"{name}.scaled", one, self.constant(f"zero.{zero}", np.uint8(zero))],
                [f"{name}.steps"],
            ),
        ]
        self._known[key] = (f"{name}.steps", f"{name}.scale")
        return nodes, *self._known[key]

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """The name of an initializer of that value."""
        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes of its own code: stack traces with paths of this machine."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output]
    for part in [*parts, *graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]
