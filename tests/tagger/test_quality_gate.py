"""CI fails when the shipped tagger falls below its floors; the gate itself can fail."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "eval_gate.py"


@pytest.fixture(scope="module")
def gate():
    spec = importlib.util.spec_from_file_location("eval_gate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_tagger_is_above_its_floors(gate, tagger, annotation):
    assert gate.failures(gate.measure(tagger), gate.read_floors()) == []


def test_a_worse_tagger_fails(gate):
    floors = {"f1.core": 0.9, "calibration.ece": 0.03}
    assert len(gate.failures({"f1.core": 0.89, "calibration.ece": 0.04}, floors)) == 2
    assert len(gate.failures({"calibration.ece": 0.01}, floors)) == 1
    assert gate.failures({"f1.core": 0.9, "calibration.ece": 0.03}, floors) == []


def test_floors_fall_only_when_allowed(gate):
    floors = {"f1.core": 0.9, "calibration.ece": 0.03}
    worse = {"f1.core": 0.85, "calibration.ece": 0.05}
    assert gate.raised(worse, floors, allow_lower=False) == floors
    assert gate.raised(worse, floors, allow_lower=True)["f1.core"] < 0.9
    better = {"f1.core": 0.95, "calibration.ece": 0.01}
    assert gate.raised(better, floors, allow_lower=False) == {
        "f1.core": 0.94,
        "calibration.ece": 0.02,
    }
