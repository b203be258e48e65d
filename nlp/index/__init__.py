"""The narrative index: attention, stance and pressure of each driver, point in time, with bands.

``build`` makes it, ``readings`` and ``contributions`` explain a period, ``read_frame`` reads a
written one, ``revisions`` compares two.
"""

from __future__ import annotations

from nlp.index.build import ASSETS, build, summary
from nlp.index.explain import (
    Contribution,
    Reading,
    composite_change,
    contributions,
    readings,
)
from nlp.index.periods import Frequency, period_start, week_bounds, week_name
from nlp.index.result import COLUMNS, IndexResult, Scale, read_frame
from nlp.index.revisions import Revision, Revisions, revisions
from nlp.index.table import COMPOSITE

__all__ = [
    "ASSETS",
    "COLUMNS",
    "COMPOSITE",
    "Contribution",
    "Frequency",
    "IndexResult",
    "Reading",
    "Revision",
    "Revisions",
    "Scale",
    "build",
    "composite_change",
    "contributions",
    "period_start",
    "read_frame",
    "readings",
    "revisions",
    "summary",
    "week_bounds",
    "week_name",
]
