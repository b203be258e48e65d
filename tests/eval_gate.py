"""Quality floors of the shipped tagger: ``python tests/eval_gate.py [--raise] [--allow-lower]``.

Measures the model that comes with Undertow on labelled development news and compares each figure
with its floor in ``quality_floors.toml``. ``--raise`` writes floors a margin below what is
measured, never lower than they are; ``--allow-lower`` lets it lower them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path

from nlp.evaluate import evaluate
from nlp.records import Item
from nlp.tagger import Tagger

FLOORS = Path(__file__).with_name("quality_floors.toml")
DEVELOPMENT = Path(__file__).resolve().parents[2] / "shared" / "annotation" / "dev.jsonl"
# Room for another processor's rounding: it turns a few items of a thousand.
MARGIN = 0.01
# Figures where less is better.
CEILINGS = ("calibration.ece",)


def measure(tagger: Tagger) -> dict[str, float]:
    """Figures of the tagger on the development items."""
    rows = [json.loads(line) for line in DEVELOPMENT.read_text(encoding="utf-8").splitlines()]
    items = [Item(id=row["id"], title=row["title"], text=row["text"]) for row in rows]
    records = [json.loads(record.to_json()) for record in tagger.tag(items)]
    figures = evaluate(DEVELOPMENT, records, resamples=0, by=()).figures
    return {name: figure.value for name, figure in figures.items() if figure.value is not None}


def failures(measured: dict[str, float], floors: dict[str, float]) -> list[str]:
    """A sentence for each figure on the wrong side of its floor or ceiling."""
    found = []
    for name, bound in floors.items():
        value = measured.get(name)
        worse = value is None or (value > bound if name in CEILINGS else value < bound)
        if worse:
            word = "ceiling" if name in CEILINGS else "floor"
            found.append(f"{name}: {value} is past its {word} {bound}")
    return found


def raised(
    measured: dict[str, float], floors: dict[str, float], *, allow_lower: bool
) -> dict[str, float]:
    """New floors from what is measured; without ``allow_lower`` none gets easier."""
    new = {}
    for name, bound in floors.items():
        ceiling = name in CEILINGS
        wanted = round(measured[name] + (MARGIN if ceiling else -MARGIN), 3)
        harder = min(bound, wanted) if ceiling else max(bound, wanted)
        new[name] = wanted if allow_lower else harder
    return new


def read_floors() -> dict[str, float]:
    """The floors by figure."""
    return dict(tomllib.loads(FLOORS.read_text(encoding="utf-8"))["development"])


def main(arguments: list[str]) -> int:
    """Compare, or set floors; exit status 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raise", dest="lift", action="store_true", help="lift floors")
    parser.add_argument("--allow-lower", action="store_true", help="let --raise lower them too")
    options = parser.parse_args(arguments)
    if options.allow_lower and not options.lift:
        parser.error("--allow-lower goes with --raise")
    measured, floors = measure(Tagger.load()), read_floors()
    for name, bound in floors.items():
        print(f"{name:24s} {measured[name]:.4f}  (bound {bound})")  # noqa: T201
    if options.lift:
        new = raised(measured, floors, allow_lower=options.allow_lower)
        lines = [f'"{name}" = {bound}' for name, bound in new.items()]
        head = FLOORS.read_text(encoding="utf-8").split("[development]")[0]
        FLOORS.write_text(head + "[development]\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return 0
    problems = failures(measured, floors)
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
