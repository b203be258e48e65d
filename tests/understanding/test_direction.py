"""The made-up training items: well-formed, even over directions, and apart from the pairs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from nlp.records import STANCES
from nlp.taxonomy import drivers

pytest.importorskip("torch", reason="the training room needs the train extra")

from nlp.training.dataset import read_labelled
from nlp.training.direction import direction_items

HERE = Path(__file__).parent
RUN = 6
FIELDS = ("title", "text")


def test_items_are_the_same_for_a_seed_and_differ_between_seeds() -> None:
    assert direction_items(seed=1) == direction_items(seed=1)
    assert direction_items(seed=1) != direction_items(seed=2)


def test_items_read_as_labelled_items(tmp_path: Path) -> None:
    items = direction_items()
    path = tmp_path / "direction.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    assert len(read_labelled(path, [driver.name for driver in drivers()])) == len(items)
    assert len({item["id"] for item in items}) == len(items)
    # A slot or choice left open would show as one of these signs.
    assert not [item for item in items if re.search(r"[{}<>|]", f"{item['title']}{item['text']}")]


def test_no_direction_of_a_driver_outweighs_the_others_twofold() -> None:
    counts = Counter(pair for item in direction_items() for pair in item["drivers"].items())
    for driver in drivers():
        by_stance = [counts[driver.name, stance] for stance in STANCES]
        assert max(by_stance) <= 2 * min(by_stance), driver.name


def test_pairs_share_no_run_of_words_with_the_training_items() -> None:
    pairs = [json.loads(line) for line in (HERE / "pairs.jsonl").read_text("utf-8").splitlines()]
    tested = _runs(side.get(f) for pair in pairs for side in (pair["a"], pair["b"]) for f in FIELDS)
    trained = _runs(item[f] for item in direction_items() for f in FIELDS)
    assert not tested & trained


def _runs(texts: Iterable[str | None]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for text in texts:
        words = re.findall(r"[\w$%.]+", (text or "").lower())
        found.update(tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))
    return found
