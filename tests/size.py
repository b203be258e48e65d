"""``make size``: false alarms and power of the study, over many worlds that hold a known truth.

``python -m tests.size 1000`` runs that many null worlds (two persistent drivers and their
attention against returns with Student tails and changing variance) and as many with a planted
lead, and writes ``bench-results/size.json``. Rates are shares of tests with p below 5%.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from nlp import study
from tests.study.conftest import World

DAYS = 200
DRIVERS = ("leverage", "macro")
LEVEL = 0.05
LEAD = 0.2  # of a deviation of the index, in the next day's return of unit variance
RESULT = Path(__file__).parents[1] / "bench-results" / "size.json"


def null_world(seed: int, *, resamples: int = 199) -> study.StudyResult:
    """The whole study on an index and a price that know nothing of each other."""
    random = np.random.default_rng(90_000 + seed)
    index = {name: World.autoregressive(random, DAYS, 0.5) for name in DRIVERS}
    attention = {
        name: 100 * np.exp(0.3 * World.autoregressive(random, DAYS, 0.5)) for name in DRIVERS
    }
    plan = World.plan(drivers=DRIVERS, horizons=(1, 5), resamples=resamples, placebo_topics=())
    prices = World.prices(World.fat_tailed(random, DAYS))
    return study.run(World.index(index, attention=attention), prices, plan)


def planted_world(seed: int, *, resamples: int = 199) -> study.StudyResult:
    """An index whose value is part of the next day's return."""
    random = np.random.default_rng(70_000 + seed)
    index = World.autoregressive(random, DAYS, 0.2)
    returns = World.fat_tailed(random, DAYS)
    returns[1:] += LEAD * index[:-1]
    plan = World.plan(resamples=resamples, lags=(1, 2), placebo_topics=())
    return study.run(World.index({"leverage": index}), World.prices(returns), plan)


def power_in_theory(rows: int) -> float:
    """Chance of p below 5% for the planted correlation, by Fisher's transformation."""
    strength = LEAD / np.sqrt(1 + LEAD**2)
    shift = np.arctanh(strength) * np.sqrt(rows - 3)
    reach = stats.norm.ppf(1 - LEVEL / 2)
    return float(stats.norm.sf(reach - shift) + stats.norm.cdf(-reach - shift))


def alarms(result: study.StudyResult) -> Iterator[tuple[str, bool]]:
    """Each test of a null world by name, and whether it alarmed."""
    yield "plan", min(cell.p_plan for cell in result.cells) < LEVEL
    for cell in result.cells:
        name = f"{cell.target} {cell.relation} {cell.horizon}"
        yield name, cell.p_value < LEVEL
        yield f"{name} interval", not cell.lower <= 0 <= cell.upper
        yield f"{name} regression", cell.regression.p_value < LEVEL
    for one in result.granger:
        yield f"granger {one.direction}", one.p_value < LEVEL
    for one in result.projections:
        yield f"projection {one.horizon}", one.p_value < LEVEL
    if result.projections:
        yield "projections corrected", min(one.p_holm for one in result.projections) < LEVEL
    for one in result.forecasts:
        yield f"forecast {one.horizon}", one.clark_west_p < LEVEL
    if result.forecasts:
        yield "forecasts corrected", min(one.p_holm for one in result.forecasts) < LEVEL


def finds(result: study.StudyResult) -> Iterator[tuple[str, bool]]:
    """Of a planted world: whether the lead is found, with its sign, at its lag and at no other."""
    leads = {cell.lag: cell for cell in result.cells if cell.relation == "predictive"}
    found = leads[1].p_value < LEVEL
    yield "found", found
    if found:
        yield "sign", leads[1].correlation > 0
        yield "lag", abs(leads[1].correlation) > abs(leads[2].correlation)


def main(worlds: int) -> None:
    """Run, print and write."""
    told: dict[str, dict[str, float]] = {}
    for name, make, read in (("size", null_world, alarms), ("power", planted_world, finds)):
        below: Counter[str] = Counter()
        tests: Counter[str] = Counter()
        for seed in range(worlds):
            for test, alarmed in read(make(seed)):
                tests[test] += 1
                below[test] += alarmed
        told[name] = {test: below[test] / number for test, number in tests.items()}
    told["power"]["in theory"] = power_in_theory(DAYS - 28 - 1)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"worlds": worlds, **told}, indent=1) + "\n", encoding="utf-8")
    for name in ("size", "power"):
        for test, rate in told[name].items():
            sys.stdout.write(f"{name:6}{test:40}{rate:7.1%}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
