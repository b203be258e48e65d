"""The study: does the index move with, after or before the price, and how sure can one be?"""

from __future__ import annotations

from nlp.study.plan import Plan, load_plan
from nlp.study.result import Cell, Granger, Missing, Placebo, StudyResult
from nlp.study.run import run

__all__ = ["Cell", "Granger", "Missing", "Placebo", "Plan", "StudyResult", "load_plan", "run"]
