"""What a study says of the series that a user gives beside index and prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.errors import StudyError
from nlp.study.align import Grid, index_grid
from nlp.study.markets import market_links
from nlp.study.outside import followings
from nlp.study.plan import Outside, Plan
from nlp.study.prices import Closes
from nlp.study.result import Following, MarketLink, Missing
from nlp.study.series import checked_series

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Given:
    """Results of the given series, what could not be computed, and stated reductions."""

    followings: tuple[Following, ...] = ()
    markets: tuple[MarketLink, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[str, ...] = ()


def given_series(
    plan: Plan, index: pd.DataFrame, closes: Mapping[str, Closes], series: pd.DataFrame | None
) -> Given:
    """The declared comparisons of the series at hand.

    Raises :class:`StudyError` for bad series and for one that the plan does not name, since what
    it should be compared with must have been said beforehand.
    """
    if series is None or series.empty:
        return Given()
    found, notes = checked_series(series)
    known = {one.series for one in plan.outside} | {one.series for one in plan.markets}
    for name in found:
        if name not in known:
            raise StudyError(
                f"the plan says nothing of the series {name}",
                remedy="declare it under `outside` or `markets` in a plan of your own, or give it"
                f" one of the names that the plan has: {', '.join(sorted(known))}",
            )
    grids: dict[Outside, Grid] = {}
    missing: list[Missing] = []
    present = set(index["asset"])
    for pair in plan.outside:
        if pair.series not in found:
            continue
        if pair.asset in present:
            grids[pair] = index_grid(index, asset=pair.asset, measure=pair.measure)
            continue
        missing.append(
            Missing(
                driver=pair.driver,
                asset=pair.asset,
                relation=None,
                reason=f"{pair.series}: the index has no rows for {pair.asset}",
                method="outside",
            )
        )
    followed, few = followings(plan, grids, found)
    markets, unpaired = market_links(plan, closes, found)
    missing += [*few, *unpaired]
    return Given(followed, markets, tuple(missing), (*notes, *_left_out(missing)))


def _left_out(missing: Iterable[Missing]) -> Iterable[str]:
    """One sentence for each comparison that could not be made at some lag: its first reason."""
    first: dict[tuple[str, str, str], str] = {}
    for one in missing:
        first.setdefault((one.method, one.driver, one.asset), one.reason)
    for (method, driver, asset), reason in first.items():
        with_what = f"{driver}, {asset}" if method == "outside" else asset
        yield f"Not compared: {reason} ({with_what})."
