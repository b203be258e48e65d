"""``undertow driver``: what is printed, what is kept, and how it fails."""

from __future__ import annotations

import json

import pytest

from service.cli.program import run


@pytest.fixture
def undertow(capfd):
    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(one) for one in arguments])
        return (code, *capfd.readouterr())

    return call


def test_list_and_remove(undertow, made, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / made.path.name).write_bytes(made.path.read_bytes())
    code, out, _ = undertow("driver", "list", "-o", folder)
    assert code == 0
    assert "mining_supply" in out
    code, out, _ = undertow("driver", "list", "-o", folder, "--json")
    told = json.loads(out)[0]
    assert told["identity"] == made.driver.identity
    assert told["report"]["average_precision"] == made.driver.report.average_precision
    assert "state_weights" not in told
    assert undertow("driver", "remove", "mining_supply", "-o", folder)[0] == 0
    assert list(folder.iterdir()) == []
    code, out, _ = undertow("driver", "list", "-o", folder)
    assert (code, out) == (0, f"No added driver in {folder}.\n")


def test_the_folder_is_a_setting(undertow, made, monkeypatch):
    monkeypatch.setenv("UNDERTOW_DRIVERS", str(made.folder))
    assert "mining_supply" in undertow("driver", "list")[1]


@pytest.fixture
def some_files(learned, examples_file, tmp_path, model, monkeypatch):
    """Files of examples in the working folder, and the model as a setting."""
    monkeypatch.setenv("UNDERTOW_MODEL", str(model))
    examples_file(tmp_path / "eight.jsonl", learned)
    examples_file(tmp_path / "few.jsonl", learned[:3])


@pytest.mark.usefixtures("some_files")
@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (["remove", "mining_supply"], 2, "no driver 'mining_supply'"),
        (["add", "macro", "--examples", "eight.jsonl"], 2, "has a driver 'macro'"),
        (["add", "Mining!", "--examples", "eight.jsonl"], 2, "no name for a driver"),
        (["add", "mining", "--examples", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["add", "mining", "--examples", "few.jsonl"], 1, "has 3 examples"),
        (["add", "mining", "--examples", "eight.jsonl", "--model", "none"], 1, "no model at"),
    ],
)
def test_failures_are_one_line(undertow, call, code, words):
    found, _, err = undertow("driver", *call)
    assert found == code
    assert words in err
    assert len(err.splitlines()) == 1


def test_an_example_in_another_language_is_named(undertow, learned, examples_file, tmp_path, model):
    german = "Die Schwierigkeit des Schürfens steigt zum fünften Mal in Folge, sagt der Verband."
    path = examples_file(tmp_path / "nine.jsonl", (*learned, german))
    code, _, err = undertow("driver", "add", "mining", "--examples", path, "--model", model)
    assert code == 1
    assert "line 9" in err
    assert "(de)" in err


def test_a_damaged_driver_is_told(undertow, made, tmp_path):
    (tmp_path / "mining_supply.json").write_bytes(made.path.read_bytes()[:900])
    code, _, err = undertow("driver", "list", "-o", tmp_path)
    assert code == 1
    assert "mining_supply.json" in err


def test_tag_reads_the_drivers_of_the_folder(undertow, made, model, monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERTOW_MODEL", str(model))
    monkeypatch.setenv("UNDERTOW_DRIVERS", str(made.folder))
    news = tmp_path / "news.jsonl"
    news.write_text(json.dumps({"id": "1", "title": "Miners switch off rigs as hash price sinks"}))
    assert undertow("tag", news, "-o", tmp_path / "tags.jsonl")[0] == 0
    record = json.loads((tmp_path / "tags.jsonl").read_text())
    assert record["model"].endswith(made.driver.identity)
    assert "mining_supply" in record["probabilities"]
