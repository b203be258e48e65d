"""The three questions put to the tagged news of the last eight weeks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from corpus.errors import UsageError
from nlp.index.stories import Tagged
from nlp.watch.flows import etf_flows
from nlp.watch.leverage import leverage
from nlp.watch.records import WatchState
from nlp.watch.reports import collect
from nlp.watch.treasury import treasury


def assess(
    tagged: Iterable[Tagged], *, until: datetime, as_of: datetime | None = None
) -> tuple[WatchState, ...]:
    """The three states at ``until`` (aware UTC, exclusive), from articles first seen by ``as_of``.

    ``tagged`` should reach back eight weeks before ``until``; earlier and later articles are
    passed over. Raises :class:`UsageError` for a time without a zone.
    """
    if until.tzinfo is None:
        raise UsageError("the time `until` has no zone", remedy="give an aware UTC time")
    reports = collect(tagged, until=until, as_of=as_of or datetime.now(tz=UTC))
    # The last day that is looked at; `until` itself is exclusive.
    today = (until - timedelta(microseconds=1)).astimezone(UTC).date()
    return (
        etf_flows(reports["net_flow"], today),
        treasury(reports, today),
        leverage(reports["liquidation"], reports["open_interest"], today),
    )
