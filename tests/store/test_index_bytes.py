"""One vintage is the same bytes whenever it is built, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from corpus.store import Store
from nlp.index import build
from nlp.taxonomy import drivers

MODEL = "undertow-drivers@test"
START = datetime(2025, 9, 1, tzinfo=UTC)
LATER = START + timedelta(days=90)


def _fill(store: Store, found) -> None:
    """Forty days of news by five outlets, tagged at random."""
    random = np.random.default_rng(7)
    names = [driver.name for driver in drivers()]
    articles = [
        found(
            number,
            source=f"Outlet {number % 5}",
            published_at=START + timedelta(hours=4 * number, minutes=int(random.integers(200))),
        )
        for number in range(240)
    ]
    store.add(articles, seen_at=START + timedelta(days=60))
    records = []
    for article in store.articles():
        chance = random.random(len(names))
        told = [name for name, one in zip(names, chance, strict=True) if one > 0.5]
        record = {
            "id": article.id,
            "schema": 2,
            "model": MODEL,
            "relevant": True,
            "drivers": [
                {"driver": name, "stance_score": float(random.uniform(-1, 1))} for name in told
            ],
            "probabilities": dict(zip(names, chance.tolist(), strict=True)),
            "amounts": [],
            "entities": [{"id": "BTC"}] if random.random() < 0.5 else [],
        }
        records.append((article, json.dumps(record)))
    store.put_tags(MODEL, records)


def _written(store: Store, path: Path) -> bytes:
    index = build(
        store.tagged(model=MODEL, as_of=LATER),
        frequency="D",
        as_of=LATER,
        model=MODEL,
        asset=("all", "BTC"),
        replicates=50,
    )
    index.write(path)
    return path.read_bytes()


@pytest.fixture
def reference(tmp_path: Path, found) -> bytes:
    with Store.open(f"sqlite:///{tmp_path}/reference.db") as store:
        _fill(store, found)
        return _written(store, tmp_path / "reference.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_vintage_built_again_is_the_same_bytes(store, found, reference, tmp_path, suffix):
    _fill(store, found)
    first = _written(store, tmp_path / f"first.{suffix}")
    assert _written(store, tmp_path / f"second.{suffix}") == first
    assert reference.count(b"\n") == 1 + 2 * 40 * (len(drivers()) + 3)
    if suffix == "csv":
        assert first == reference
