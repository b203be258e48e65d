"""OpenVINO runs the same graph: the same drivers, in any company the very same record."""

from __future__ import annotations

import subprocess
import sys

import pytest
from batch_news import news

from corpus.errors import ModelError
from nlp.records import Item
from nlp.tagger import LANE_ITEMS, Tagger


@pytest.fixture(scope="module")
def quick():
    pytest.importorskip("openvino", reason="needs the extra undertow[openvino]")
    return Tagger.load(backend="openvino", threads=2)


ITEMS = [
    Item(id=row["id"], title=row["title"], text=None if row["desk"] % 2 else "So it was told.")
    for row in news(20)
]


def test_the_drivers_of_the_graph(quick, tagger):
    for one, other in zip(quick.tag(ITEMS), tagger.tag(ITEMS), strict=True):
        assert {tag.driver for tag in one.drivers} == {tag.driver for tag in other.drivers}, one.id
        for name, probability in one.probabilities.items():
            assert abs(probability - other.probabilities[name]) <= 0.02, (one.id, name)


def test_a_record_is_the_same_in_lanes_and_alone(quick):
    many = ITEMS * (2 * LANE_ITEMS // len(ITEMS) + 1)
    alone = {item.id: quick.tag([item])[0] for item in ITEMS}
    assert quick.tag(many) == [alone[item.id] for item in many]


_TWO_AT_ONCE = """
import sys, threading
import numpy as np
from nlp.tagger import Tagger
tagger = Tagger.load(backend="openvino", threads=2)
names = ("input_ids", "attention_mask", "token_type_ids")
ids = {name: np.ones((1, 8), np.int64) for name in names}
together = threading.Barrier(2)
def run():
    together.wait()
    tagger._backend.run(ids)
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=run) for _ in range(2)]
for one in threads: one.start()
for one in threads: one.join()
"""


@pytest.mark.parametrize("attempt", range(4))
def test_two_lanes_may_begin_at_once(attempt):
    """Up to half of new processes stood still for ever, so some are tried.

    With the backend alone, without the libraries that a tagger loads, none did.
    """
    pytest.importorskip("openvino", reason="needs the extra undertow[openvino]")
    subprocess.run([sys.executable, "-c", _TWO_AT_ONCE], check=True, timeout=120)


def test_it_is_named_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="OpenVINO is not installed"):
        Tagger.load(backend="openvino")
