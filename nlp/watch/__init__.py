"""What to watch: three questions answered by written rules from the amounts that the news reports.

Do ETF flows stabilise, do institutions rebuild their holdings, has leverage cleared?
``docs/method.md`` states the rules; the constants of the modules here are theirs. Every state
carries the reports that it rests on, and is ``unclear`` without them.
"""

from __future__ import annotations

from nlp.watch.assess import assess
from nlp.watch.records import Evidence, Figure, State, WatchState
from nlp.watch.reports import LOOKBACK

__all__ = ["LOOKBACK", "Evidence", "Figure", "State", "WatchState", "assess"]
