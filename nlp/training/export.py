"""A trained network as files: safetensors in half precision, ONNX with int8 weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from tokenizers import Encoding

from nlp.training.graph import quantise_products, quantise_tables, strip_traces
from nlp.training.network import DriverNetwork, Outputs
from nlp.training.rounding import RoundedProduct, round_products, rounded

TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_weights(
    network: DriverNetwork, graph: Path, weights: Path, encodings: Sequence[Encoding]
) -> None:
    """Write the ONNX graph and the safetensors of ``network``, which is left rounded.

    Both hold the same numbers: float16, and for products and tables the int8 steps of
    :mod:`nlp.training.rounding`, as fits ``encodings``. Matrices of products are whole in the
    safetensors, for any other program; factors and scales beside them tell the steps.
    """
    network = network.cpu().eval()
    state = network.state_dict()
    for tensor in state.values():
        tensor.copy_(tensor.half())
    products = round_products(network, encodings)
    write_onnx(network, graph, products.values())
    for name, product in products.items():
        matrix = (product.steps * product.scale * product.factor[:, None]).T
        state[f"{name}.weight"].copy_(torch.from_numpy(matrix))
        state[f"{name}.input_factor"].copy_(torch.from_numpy(product.factor))
        state[f"{name}.weight_scale"].copy_(torch.from_numpy(product.scale))
    for name in TABLES:
        table = state[f"encoder.embeddings.{name}.weight"]
        table.copy_(torch.from_numpy(rounded(table.numpy())))
    tensors = {name: tensor.half().contiguous() for name, tensor in state.items()}
    save_file(tensors, weights, metadata={"format": "pt"})


def write_onnx(network: DriverNetwork, path: Path, products: Iterable[RoundedProduct]) -> None:
    """The network as one ONNX file with int8 weights; inputs and outputs as in :class:`Outputs`."""
    # Attention as plain products: the exporter adds a search for NaN to the fused kind.
    network.encoder.set_attn_implementation("eager")  # type: ignore[operator]
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
    model = onnx.load(path)
    quantise_products(model, products)
    quantise_tables(model)
    strip_traces(model)
    onnx.save(model, path)
