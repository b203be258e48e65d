"""Do institutions rebuild their holdings? Purchases and sales against the usual pace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from nlp.watch.records import Figure, State, WatchState
from nlp.watch.reports import Report, evidence
from nlp.watch.words import count, day_words, money

WINDOW = timedelta(days=14)
BEFORE = timedelta(days=28)
LEAST_DEALS = 2


def treasury(reports: dict[str, list[Report]], today: date) -> WatchState:
    """Whether institutions buy, sell or pause, in the two weeks to ``today``."""
    bought = _deals([*reports["buy"], *reports["raise"]], today, WINDOW)
    sold = _deals(reports["sell"], today, WINDOW)
    # As many as a window of the same length held on average before.
    earlier = _deals([*reports["buy"], *reports["raise"]], today - WINDOW, BEFORE)
    usual = len(earlier) * (WINDOW / BEFORE)
    state: State = "unclear"
    if len(sold) >= LEAST_DEALS and len(sold) >= len(bought):
        state, told = "selling", "holders are selling"
    elif len(bought) >= max(LEAST_DEALS, usual) and len(bought) > len(sold):
        state, told = "rebuilding", "institutions are adding at or above their earlier pace"
    elif len(earlier) >= LEAST_DEALS and len(bought) <= usual / 2:
        state, told = "paused", "buying has paused"
    elif bought or sold:
        told = "too little, or too mixed, to call"
    else:
        told = "nothing to judge by"
    sentence = (
        f"In the two weeks to {day_words(today)} the news told of"
        f" {count(len(bought), 'purchase or funding', 'purchases or fundings')} by"
        f" treasuries{_worth(bought)} and {count(len(sold), 'sale')}{_worth(sold)}, against"
        f" {usual:.1f} purchases or fundings in a usual two weeks before: {told}."
    )
    recent = sold if state == "selling" else [*bought, *sold]
    dates = [one.article.published_at.date() for one in (sold if state == "selling" else bought)]
    since = {
        "selling": min(dates, default=None),
        "rebuilding": min(dates, default=None),
        "paused": max((one.article.published_at.date() for one in earlier), default=None),
    }.get(state)
    return WatchState(
        variable="treasury",
        title="Institutions rebuilding",
        state=state,
        since=since,
        sentence=sentence,
        figures=(
            Figure(name="purchases and fundings, two weeks", value=len(bought), unit="deals"),
            Figure(name="sales, two weeks", value=len(sold), unit="deals"),
            Figure(name="purchases and fundings, usual two weeks", value=usual, unit="deals"),
        ),
        evidence=evidence(recent),
    )


def _deals(reports: Sequence[Report], last: date, window: timedelta) -> list[Report]:
    """Reports told in the window, one a story (dollars before coins) and one a figure.

    The same purchase is told by many stories of different words; its figure to two digits gives
    it away.
    """
    by_story: dict[str, Report] = {}
    for one in reports:
        if not last - window < one.article.published_at.date() <= last:
            continue
        best = by_story.get(one.article.story_id)
        if best is None or _worth_more(one, best):
            by_story[one.article.story_id] = one
    by_figure: dict[tuple[str, str], Report] = {}
    for one in by_story.values():
        by_figure.setdefault((one.amount.unit, f"{one.size:.1e}"), one)
    return list(by_figure.values())


def _worth_more(one: Report, other: Report) -> bool:
    return (one.amount.unit == "USD", one.size) > (other.amount.unit == "USD", other.size)


def _worth(deals: Sequence[Report]) -> str:
    dollars = [one.size for one in deals if one.amount.unit == "USD"]
    return f" (of {money(sum(dollars))} where dollars were told)" if dollars else ""
