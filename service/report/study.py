"""What the statistics say up to the end of the week, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from corpus.errors import StudyError
from nlp.index import build
from nlp.index.headings import TaggedHeading
from nlp.study import Cell, Plan, StudyResult
from nlp.study import run as run_study
from nlp.study.verdict import placebos_fired, stated
from service.report.records import StudySummary
from service.report.words import driver_words, listed, signed

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"h": "hourly", "D": "daily", "W": "weekly"}
_RELATIONS = {
    "contemporaneous": "same period",
    "predictive": "the news first",
    "price_leads": "the price first",
}
_LINKS_TOLD = 4


def study_summary(
    tagged: Iterable[TaggedHeading],
    prices: pd.DataFrame,
    *,
    as_of: datetime,
    model: str,
    base: tuple[datetime, datetime],
    plan: Plan | None,
) -> tuple[StudySummary | None, str | None, str | None]:
    """The daily study of ``tagged`` news and ``prices``: summary, or why there is none, vintage.

    Neither news nor prices should reach beyond the week that is reported.
    """
    if prices.empty:
        return None, "No study was run: the store holds no prices up to this week.", None
    try:
        index = build(tagged, frequency="D", as_of=as_of, model=model, base=base)
        result = run_study(index.frame, prices, plan)
    except StudyError as error:
        return None, f"No study was run: {error.message}.", None
    return summarised(result), None, result.index_vintage


def summarised(result: StudyResult) -> StudySummary:
    """The verdict of a study with what it does not say."""
    links = stated_links(result)
    return StudySummary(
        frequency=result.frequency,
        first_period=result.first_period,
        last_period=result.last_period,
        level=result.plan.level,
        lead=_lead(result, [result.cells[place] for place in links]),
        stated=links,
        verdict=result.verdict,
        limits=_limits(result),
        cells=result.cells,
    )


def stated_links(result: StudyResult) -> tuple[int, ...]:
    """Places of the cells that pass every rule of the verdict, placebos included."""
    fired = {
        target: placebos_fired(
            result.plan, [one for one in result.placebos if one.target == target]
        )
        for target in ("return", "volatility")
    }
    return tuple(
        place
        for place, cell in enumerate(result.cells)
        if stated(result.plan, cell) and not fired[cell.target]
    )


def _lead(result: StudyResult, links: Sequence[Cell]) -> str:
    tests = f"{len(result.cells)} tests of news against price and volatility"
    if not links:
        return (
            f"Of {tests}, none shows a link that stands once it is counted how many were tried:"
            " these weeks do not show that news leads price, or follows it."
        )
    told = [
        f"{driver_words(cell.driver)} and {cell.asset} {cell.target}"
        f" ({_RELATIONS[cell.relation]}, {signed(cell.correlation, 2)})"
        for cell in links[:_LINKS_TOLD]
    ]
    if len(links) > _LINKS_TOLD:
        told.append(f"{len(links) - _LINKS_TOLD} more")
    return (
        f"Of {tests}, {len(links)} {'shows' if len(links) == 1 else 'show'} a link that stands once"
        f" it is counted how many were tried: {listed(told)}."
    )


def _limits(result: StudyResult) -> tuple[str, ...]:
    tested = len(result.cells)
    longest = max((cell.periods for cell in result.cells), default=0)
    detectable = [cell.detectable for cell in result.cells]
    limits = [
        "A link is a correlation. It does not say that news moved the price, nor the reverse:"
        " both may answer to the same event.",
        f"At most {longest} {_UNITS[result.frequency]} periods entered a test, and {tested} tests"
        " were run; p-values are corrected for all of them together.",
    ]
    if detectable:
        limits.append(
            "Links weaker than a correlation of about"
            f" {min(detectable):.2f} to {max(detectable):.2f} would usually be missed here, so"
            " `no link is shown` does not mean that there is none."
        )
    limits.append(
        "It is not a forecast and not investment advice; what held in these weeks need not hold"
        " in the next."
    )
    return tuple(limits)
