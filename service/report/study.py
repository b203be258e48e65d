"""What the statistics say up to the end of the week, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from corpus.errors import StudyError
from nlp.index import build
from nlp.index.stories import Tagged
from nlp.study import Plan, StudyResult
from nlp.study import run as run_study
from service.report.records import StudySummary

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"h": "hourly", "D": "daily", "W": "weekly"}


def study_summary(
    tagged: Iterable[Tagged],
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
    return StudySummary(
        frequency=result.frequency,
        first_period=result.first_period,
        last_period=result.last_period,
        verdict=result.verdict,
        limits=_limits(result),
        cells=result.cells,
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
