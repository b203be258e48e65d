"""What the machine's int8 products can do at most, and how much of it the tagger needs.

The peak is the best rate of two libraries (ONNX Runtime's ``MatMulInteger``, torch's ``_int_mm``,
which is oneDNN) over shapes like the encoder's and larger square ones, on all processors: an upper
bound, for nothing but products is done in it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CONFIG = Path(__file__).parents[1] / "models" / "undertow-drivers" / "config.json"
# Rows, inner length, columns.
SHAPES = ((256, 384, 1536), (960, 384, 1536), (960, 1536, 384), (2048, 2048, 2048))
TRIES = 5
LEAST_SECONDS = 0.05  # a try


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def peak() -> float:
    """Operations a second (a multiplication and an addition are two), the best of all."""
    best = 0.0
    for rows, inner, columns in SHAPES:
        for product in (_onnx_product, _torch_product):
            seconds = _quickest(product(rows, inner, columns))
            best = max(best, 2 * rows * inner * columns / seconds)
    return best


def operations(lengths: Sequence[int], *, drivers: int) -> float:
    """Operations that the network needs for items of these lengths in tokens, padding left out."""
    shape = json.loads(CONFIG.read_text("utf-8"))
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    queries, stance_hidden, embedding = 4, 256, 32  # of nlp.training.network.NetworkShape
    asked = (2 * drivers + 2) * queries  # topic and stance of each driver, sentiment, relevance
    layer = 4 * width * width + 2 * width * inner
    a_token = shape["num_hidden_layers"] * layer + 3 * width * width + 2 * asked * width
    item = drivers * (width * queries + width + embedding) + width * queries + width
    total = sum(lengths) * a_token + len(lengths) * item * stance_hidden
    total += shape["num_hidden_layers"] * 2 * width * sum(length * length for length in lengths)
    return 2.0 * total


def _quickest(run: Callable[[], object]) -> float:
    """Seconds of one call, the best of some tries of many calls each."""
    began = time.perf_counter()
    run()
    calls = max(1, int(LEAST_SECONDS / max(time.perf_counter() - began, 1e-6)))
    best = float("inf")
    for _ in range(TRIES):
        began = time.perf_counter()
        for _ in range(calls):
            run()
        best = min(best, (time.perf_counter() - began) / calls)
    return best


def _onnx_product(rows: int, inner: int, columns: int) -> Callable[[], object]:
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    some = np.random.default_rng(0)
    weights = some.integers(-127, 127, (inner, columns)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["product"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [rows, columns])],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = processors()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    values = some.integers(0, 255, (rows, inner)).astype(np.uint8)
    return lambda: session.run(None, {"a": values})


def _torch_product(rows: int, inner: int, columns: int) -> Callable[[], object]:
    import torch

    torch.set_num_threads(processors())
    left = torch.randint(-127, 127, (rows, inner), dtype=torch.int8)
    right = torch.randint(-127, 127, (inner, columns), dtype=torch.int8)
    return lambda: torch._int_mm(left, right)
