"""The study: does the index move with, after or before the price, and how sure can one be?"""

from __future__ import annotations

from nlp.study.plan import Market, Outside, Plan, load_plan
from nlp.study.result import (
    Cell,
    EventStudy,
    Following,
    Forecast,
    Granger,
    MarketLink,
    Missing,
    Placebo,
    Projection,
    StudyResult,
)
from nlp.study.run import run
from nlp.study.series import read_series

__all__ = [
    "Cell",
    "EventStudy",
    "Following",
    "Forecast",
    "Granger",
    "Market",
    "MarketLink",
    "Missing",
    "Outside",
    "Placebo",
    "Plan",
    "Projection",
    "StudyResult",
    "load_plan",
    "read_series",
    "run",
]
