"""A model directory is whole or refused; both backends read it alike."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from corpus.errors import ModelError, UndertowError
from nlp.manifest import LEXICAL_FILE, MANIFEST_FILE, ONNX_FILE, TOKENIZER_FILE, WEIGHTS_FILE
from nlp.records import Item
from nlp.tagger import SHIPPED, Tagger


@pytest.fixture
def copy(tmp_path):
    place = tmp_path / "model"
    shutil.copytree(SHIPPED, place)
    return place


@pytest.mark.parametrize("name", [ONNX_FILE, LEXICAL_FILE, TOKENIZER_FILE])
@pytest.mark.parametrize("harm", ["tampered", "truncated", "missing"])
def test_a_damaged_file_is_refused(copy, name, harm):
    path = copy / name
    payload = bytearray(path.read_bytes())
    if harm == "tampered":
        payload[len(payload) // 2] ^= 1
        path.write_bytes(payload)
    elif harm == "truncated":
        path.write_bytes(payload[:-100])
    else:
        path.unlink()
    with pytest.raises(ModelError) as refusal:
        Tagger.load(copy)
    assert name in refusal.value.message
    assert refusal.value.remedy


def test_a_damaged_manifest_is_refused(copy):
    manifest = json.loads((copy / MANIFEST_FILE).read_text())
    del manifest["heads"]
    (copy / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="heads"):
        Tagger.load(copy)


def test_no_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="no model at"):
        Tagger.load(tmp_path / "nowhere")


def test_nothing_is_pickled():
    for path in SHIPPED.iterdir():
        assert path.suffix in {".json", ".onnx", ".safetensors", ".md"}, path.name
        assert path.read_bytes()[:1] != b"\x80", f"{path.name} looks like a pickle"


def test_shipped_weights_are_small():
    size = sum((SHIPPED / name).stat().st_size for name in (ONNX_FILE, WEIGHTS_FILE))
    assert size < 75_000_000


def test_torch_backend_agrees(tagger, own_items, own_article):
    pytest.importorskip("torch", reason="the torch backend needs the train extra")
    other = Tagger.load(backend="torch")
    _compare(tagger, other, [*own_items, own_article])


def test_torch_backend_agrees_on_development_news(tagger, annotation):
    pytest.importorskip("torch", reason="the torch backend needs the train extra")
    rows = [json.loads(line) for line in (annotation / "dev.jsonl").read_text().splitlines()]
    items = [Item(id=row["id"], title=row["title"], text=row["text"]) for row in rows]
    _compare(tagger, Tagger.load(backend="torch"), items)


def _compare(first: Tagger, second: Tagger, items: list[Item]) -> None:
    """The same drivers, and probabilities within 0.02.

    Both backends hold the same numbers and round alike, but a last bit can turn a rounding: one
    probability in a thousand may lie a little farther off.
    """
    gaps = []
    for one, other in zip(first.tag(items), second.tag(items), strict=True):
        assert {tag.driver for tag in one.drivers} == {tag.driver for tag in other.drivers}, one.id
        gaps += [
            abs(probability - other.probabilities[name])
            for name, probability in one.probabilities.items()
        ]
    assert max(gaps) <= 0.03
    assert sum(gap > 0.02 for gap in gaps) <= len(gaps) // 1000


def test_both_files_hold_the_same_numbers():
    """The steps and factors of each product of the graph are those that the safetensors tell."""
    onnx = pytest.importorskip("onnx", reason="reading the graph needs the train extra")
    graph = onnx.load(SHIPPED / ONNX_FILE).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    tensors = load_file(SHIPPED / WEIGHTS_FILE)
    told = set()
    for name in [name.removesuffix(".weight_scale") for name in tensors if "weight_scale" in name]:
        matrix, factor, scale = (
            tensors[f"{name}.{part}"].astype(np.float32)
            for part in ("weight", "input_factor", "weight_scale")
        )
        steps = np.rint(matrix / factor / scale[:, None]).astype(np.int8)
        told.add((np.ascontiguousarray(steps.T).tobytes(), scale.tobytes(), factor.tobytes()))
    products = [node for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(products) == len(told) > 40
    factors = {
        node.output[0]: constants[node.input[1]].tobytes()
        for node in graph.node
        if node.input and node.input[-1].endswith(".factor")
    }
    for node in products:
        steps, scale = (constants[node.input[place]] for place in (1, 3))
        even = node.input[0].removesuffix(".steps") + ".even"
        factor = factors.get(even, np.ones(len(steps), np.float32).tobytes())
        assert (steps.tobytes(), scale.tobytes(), factor) in told, node.name


def test_a_model_of_an_earlier_layout_says_what_to_do(copy):
    manifest = json.loads((copy / MANIFEST_FILE).read_text())
    (copy / MANIFEST_FILE).write_text(json.dumps(manifest | {"layout": 1}))
    with pytest.raises(ModelError, match="layout") as refusal:
        Tagger.load(copy)
    assert "train it again" in refusal.value.remedy


def test_an_unknown_device_is_refused():
    torch = pytest.importorskip("torch", reason="the torch backend needs the train extra")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(UndertowError, match="CUDA"):
        Tagger.load(backend="torch", device="cuda")
