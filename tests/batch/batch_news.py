"""News written for these tests, as rows and files."""

from __future__ import annotations

import json
from pathlib import Path

HEADLINES = (
    "Spot Bitcoin ETFs lose $310 million in a day as investors pull out",
    "Treasury company Strategy buys 420 Bitcoin for $45 million",
    "$640 million of leveraged longs liquidated as Bitcoin slides",
    "Bitcoin steadies as Federal Reserve signals rate cuts ahead",
    "A quiet day on the markets",
)


def write_jsonl(path: Path, rows) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def news(count: int, first: int = 0):
    """Rows with an id, a title that tells them apart, and a column to carry through."""
    return [
        {"id": f"n{number}", "title": f"{HEADLINES[number % 5]}, day {number}", "desk": number}
        for number in range(first, first + count)
    ]
