"""Minimal pairs: two sentences of our own that differ in the one thing that turns the reading.

The events, figures and dealings in them are made up. A pair counts only when both sides are read
rightly, so that a model that goes by topic alone, and gives both sides the same reading, fails it.

A pair asks for one of three things. ``stance``: each side has its drivers with the stances given,
and the sentiment where one is given. ``driver``: each side has its own drivers and none that only
the other side has. ``invariance``: the two sides have the drivers given and read alike. A side
for which no driver is given must be tagged with none.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nlp.records import STANCES, Item, TagRecord
from nlp.tagger import Tagger
from nlp.taxonomy import drivers

HERE = Path(__file__).parent
PAIRS: list[dict[str, Any]] = [
    json.loads(line) for line in (HERE / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
]
FLOORS = tomllib.loads((HERE / "floors.toml").read_text(encoding="utf-8"))
THEMES = tuple(dict.fromkeys(pair["theme"] for pair in PAIRS))
ALL = "all pairs"


@dataclass(frozen=True)
class Reading:
    """What the tagger made of one side."""

    stances: Mapping[str, str]
    sentiment: str | None

    def __str__(self) -> str:
        drivers = ", ".join(f"{name} {stance}" for name, stance in sorted(self.stances.items()))
        return f"{drivers or 'no driver'}; overall {self.sentiment}"


Readings = dict[tuple[str, str], Reading]


@pytest.fixture(scope="module")
def readings() -> Readings:
    items = [
        Item(id=f"{pair['id']} {side}", title=words.get("title"), text=words.get("text"))
        for pair in PAIRS
        for side, words in (("a", pair["a"]), ("b", pair["b"]))
    ]
    found: Readings = {}
    for record in Tagger.load().tag(items):
        assert isinstance(record, TagRecord), record.error
        pair_id, side = record.id.split()
        found[pair_id, side] = Reading(
            stances={tag.driver: tag.stance for tag in record.drivers},
            sentiment=record.sentiment.label if record.sentiment else None,
        )
    return found


def is_right(pair: Mapping[str, Any], a: Reading, b: Reading) -> bool:
    """Whether both sides of a pair are read as the pair asks."""
    sides = ((pair["a"], a), (pair["b"], b))
    for given, reading in sides:
        if not set(given["drivers"]) <= set(reading.stances):
            return False
        if not given["drivers"] and reading.stances:
            return False
        if "sentiment" in given and reading.sentiment != given["sentiment"]:
            return False
    if pair["asks"] == "invariance":
        return a.stances == b.stances
    if pair["asks"] == "driver":
        mine, other = set(pair["a"]["drivers"]), set(pair["b"]["drivers"])
        return not (set(a.stances) & (other - mine) or set(b.stances) & (mine - other))
    return all(
        reading.stances[name] == stance
        for given, reading in sides
        for name, stance in given["drivers"].items()
    )


def shares(readings: Readings, pairs: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Share of pairs read rightly, by theme and over all pairs."""
    verdicts: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        right = is_right(pair, readings[pair["id"], "a"], readings[pair["id"], "b"])
        verdicts[pair["theme"]].append(right)
        verdicts[ALL].append(right)
    return {theme: sum(row) / len(row) for theme, row in verdicts.items()}


def table(readings: Readings) -> str:
    """Share against floor for each theme, then each pair that is read wrongly."""
    rows = [f"{'theme':<26}{'right':>7}{'floor':>7}"]
    for theme, share in shares(readings, PAIRS).items():
        rows.append(f"{theme:<26}{share:>7.3f}{floor(theme):>7.3f}")
    for pair in PAIRS:
        a, b = readings[pair["id"], "a"], readings[pair["id"], "b"]
        if not is_right(pair, a, b):
            rows.append(f"{pair['id']} {pair['theme']}")
            for given, reading in ((pair["a"], a), (pair["b"], b)):
                words = " || ".join(filter(None, (given.get("title"), given.get("text"))))
                rows.append(f"    {words}")
                rows.append(f"        wanted {given['drivers']}, read {reading}")
    return "\n".join(rows)


def floor(theme: str) -> float:
    return float(FLOORS["overall"] if theme == ALL else FLOORS["themes"][theme])


def test_pairs_are_well_formed() -> None:
    known = {driver.name for driver in drivers()}
    assert len(PAIRS) >= 150
    assert len({pair["id"] for pair in PAIRS}) == len(PAIRS)
    assert set(FLOORS["themes"]) == set(THEMES)
    for pair in PAIRS:
        for side in (pair["a"], pair["b"]):
            assert side.get("title") or side.get("text"), pair["id"]
            assert set(side["drivers"]) <= known, pair["id"]
            if pair["asks"] != "driver":
                assert set(side["drivers"].values()) <= set(STANCES), pair["id"]
        if pair["asks"] == "invariance":
            assert pair["a"]["drivers"] == pair["b"]["drivers"], pair["id"]


@pytest.mark.parametrize("theme", [ALL, *THEMES])
def test_pairs_are_read_rightly(theme: str, readings: Readings) -> None:
    assert shares(readings, PAIRS)[theme] >= floor(theme), "\n" + table(readings)


def test_pairs_with_their_labels_exchanged_are_read_wrongly(readings: Readings) -> None:
    asking = [pair for pair in PAIRS if pair["a"]["drivers"] != pair["b"]["drivers"]]
    exchanged = [
        pair
        | {
            "a": {**pair["a"], "drivers": pair["b"]["drivers"]},
            "b": {**pair["b"], "drivers": pair["a"]["drivers"]},
        }
        for pair in asking
    ]
    assert shares(readings, exchanged)[ALL] < 0.2 < shares(readings, asking)[ALL]
