"""The sample's figures are the public ones: spot checks that do not hang on the tagger."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from corpus.sample import Archive

FIRST, LAST = "2025-09-01", "2025-12-04"
LARGEST_DAYS = 8
LEAST_TOLD = 6


def _written(millions: float) -> set[str]:
    """How a report may write a flow, to the figure's own digits or rounded."""
    size = abs(millions)
    forms = {f"${size:.1f} million", f"${size:.0f} million"}
    if size >= 1000:
        forms |= {f"${size / 1000:.{digits}f} billion" for digits in (1, 2, 3)}
    return forms


@pytest.mark.parametrize("asset", ["btc", "eth"])
def test_the_largest_flow_days_are_told_with_their_figure(archive: Archive, market: Path, asset):
    with (market / f"{asset}_etf_flows.csv").open(encoding="utf-8", newline="") as lines:
        flows = {
            row["date"]: float(row["net_flow_usd_m"])
            for row in csv.DictReader(lines)
            if FIRST <= row["date"] <= LAST
        }
    largest = sorted(flows, key=lambda day: -abs(flows[day]))[:LARGEST_DAYS]
    told = []
    for day in largest:
        first = date.fromisoformat(day)
        texts = [
            f"{article.title} {article.body}"
            for article in archive.articles
            if first <= article.published_at.date() <= first + timedelta(days=4)
        ]
        if any(form in text for form in _written(flows[day]) for text in texts):
            told.append(day)
    assert len(told) >= LEAST_TOLD, sorted(set(largest) - set(told))
