"""Build the narrative index from tagged articles; ``docs/method.md`` states it in formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import StudyError, UsageError
from nlp.index.aggregate import Aggregation
from nlp.index.effects import outlet_effects
from nlp.index.flows import PARTS, with_parts
from nlp.index.headings import TaggedHeading
from nlp.index.mix import source_mix
from nlp.index.periods import (
    LENGTHS,
    Frequency,
    checked_frequency,
    period_number,
    period_seconds,
    period_start,
)
from nlp.index.result import COLUMNS, IndexResult, Scale
from nlp.index.spoken import as_counted
from nlp.index.stances import usual_flows
from nlp.index.stated import FLOW_DRIVER
from nlp.index.stories import Booleans, Reader, StoryTable
from nlp.index.table import LEAST_BASE_PERIODS, Span, tabulate
from nlp.index.vintage import vintage_of
from nlp.index.weights import freshness
from nlp.taxonomy import drivers

if TYPE_CHECKING:
    import pandas as pd

ASSETS = ("all", "BTC", "ETH")
DEFAULT_BASE = timedelta(weeks=4)
LEAST_WEEKLY_STORIES = 10
DEFAULT_REPLICATES = 400
# Digits kept in the file: far below the bootstrap's noise, above the last bits in which
# processors may differ.
_DECIMALS = 9


def build(
    tagged: Iterable[TaggedHeading],
    *,
    frequency: Frequency,
    as_of: datetime,
    model: str,
    asset: str | Sequence[str] = "all",
    base: tuple[datetime, datetime] | None = None,
    exclude_recaps: bool = False,
    half_life: timedelta | None = None,
    replicates: int = DEFAULT_REPLICATES,
) -> IndexResult:
    """The index per driver and period, from what had been first seen by ``as_of`` (aware, UTC).

    ``asset`` is ``all``, ``BTC``, ``ETH`` or several of them; an asset's index uses the stories
    that name it. ``base`` (start, end exclusive) is the window of outlet effects and scales; by
    default the first four weeks in a row with :data:`LEAST_WEEKLY_STORIES` stories each; stories
    before them are left out and counted in a note. ``half_life`` lets a story count half as much
    with every so much time before the end of its period, for a fresh reading of slow periods.
    ``replicates`` is the number of bootstrap
    replicates behind the 90% band.

    Raises :class:`UsageError` for an unknown frequency or asset or a half-life that is not
    positive, :class:`StudyError` when there
    is no story, the base window covers fewer than three periods, or tags of several models are
    mixed.
    """
    frequency = checked_frequency(frequency)
    assets = (asset,) if isinstance(asset, str) else tuple(asset)
    for name in assets:
        if name not in ASSETS:
            raise UsageError(f"unknown asset {name!r}", remedy=f"choose one of {', '.join(ASSETS)}")
    if half_life is not None and half_life <= timedelta(0):
        raise UsageError("the half-life is not positive", remedy="give a time longer than zero")
    names = tuple(driver.name for driver in drivers())
    everything, counts, digest = Reader(
        drivers=names, assets=ASSETS[1:], as_of=as_of, model=model
    ).read(tagged)
    keep = _kept(everything, frequency, exclude_recaps)
    stories = everything.where(keep)
    counts = replace(
        counts,
        off_topic_stories=int(np.count_nonzero(~everything.relevant)),
        recap_stories=int(np.count_nonzero(everything.recap)) if exclude_recaps else 0,
        day_only_stories=int(np.count_nonzero(everything.day_only)) if frequency == "h" else 0,
        stories=len(stories),
    )
    if not len(stories):
        raise StudyError(
            f"no story to build an index from (of {counts.articles} tagged articles)",
            remedy="tag the store first, or choose a span that has news",
        )
    window = base or _default_base(stories, frequency)
    early = 0
    if base is None:
        # Before its base window an index would be scaled by what came later.
        since = stories.seconds >= window[0].timestamp()
        early = int(np.count_nonzero(~since))
        stories = stories.where(since)
        counts = replace(counts, stories=len(stories))
    span = _span(stories, frequency, window)
    if np.count_nonzero(span.in_base) < LEAST_BASE_PERIODS:
        raise StudyError(
            f"the base window {window[0]:%Y-%m-%d} to {window[1]:%Y-%m-%d} covers fewer than"
            f" {LEAST_BASE_PERIODS} periods of the stories",
            remedy="give an earlier or longer base window, or more news",
        )
    vintage = vintage_of(
        digest,
        model=model,
        frequency=frequency,
        assets=assets,
        as_of=as_of,
        base=window,
        exclude_recaps=exclude_recaps,
        half_life=half_life,
        replicates=replicates,
    )
    base_stories = (stories.seconds >= window[0].timestamp()) & (
        stories.seconds < window[1].timestamp()
    )
    effects = outlet_effects(stories, base_stories)
    usual_flow = usual_flows(stories, base_stories)
    notes = list(_count_notes(everything, frequency))
    if early:
        notes.append(
            f"{early} stories before {window[0]:%Y-%m-%d} are left out: until then no four weeks in"
            f" a row had {LEAST_WEEKLY_STORIES} stories each to tell what is usual."
        )
    tables: list[pd.DataFrame] = []
    scales: dict[tuple[str, str], Scale] = {}
    number_of_period = period_number(stories.seconds, frequency) - span.first
    starts = span.starts[number_of_period]
    weight = freshness(stories, half_life, starts=starts, frequency=frequency)
    for number, name in enumerate(assets):
        inside = _universe(stories, name)
        table, usual = with_parts(
            stories,
            effects,
            universe=ASSETS.index(name),
            driver=names.index(FLOW_DRIVER),
            base=base_stories,
        )
        counted = as_counted(
            table,
            usual,
            usual_flow,
            names=(*names, *PARTS),
            universe=ASSETS.index(name),
            frequency=frequency,
            keep=inside,
            period=number_of_period,
            starts=starts,
            fresh=weight,
        )
        universe = Aggregation(
            table,
            keep=inside,
            period=number_of_period,
            periods=len(span.starts),
            effects=usual,
            stance=counted.stance,
            weight=weight,
            stance_weight=counted.weight,
            prior=counted.prior,
            mixtures=counted.mixtures,
        )
        # Drawn by what went in, so that the same news has the same band whenever it is read.
        random = np.random.default_rng([int.from_bytes(digest[:7], "big"), number])
        rows, found = tabulate(
            universe,
            span,
            (*names, *PARTS),
            source_mix(
                number_of_period[inside],
                stories.outlet[inside],
                outlets=len(stories.outlets),
                in_base=span.in_base,
            ),
            replicates=replicates,
            random=random,
        )
        rows["asset"] = name
        tables.append(rows)
        for driver, scale in found.items():
            scales[name, driver] = scale
            if driver in names and not scale.usable:
                notes.append(
                    f"{driver} ({name}): pressure did not vary over the base window, so it has no"
                    " scale; it is left empty and out of the composite."
                )
    whole = _assembled(tables, frequency=frequency, as_of=as_of, vintage=vintage)
    is_part = whole["driver"].isin(PARTS)
    return IndexResult(
        frame=whole[~is_part].reset_index(drop=True),
        parts=whole[is_part].reset_index(drop=True),
        frequency=frequency,
        as_of=as_of,
        model=model,
        vintage=vintage,
        base=window,
        drivers=names,
        scales=scales,
        half_life=half_life,
        counts=counts,
        notes=tuple(notes),
        stories=stories,
        effects=effects,
        usual_flow=usual_flow,
    )


def _kept(stories: StoryTable, frequency: Frequency, exclude_recaps: bool) -> Booleans:
    keep = stories.relevant.copy()
    if exclude_recaps:
        keep &= ~stories.recap
    if frequency == "h":
        keep &= ~stories.day_only
    return keep


def _count_notes(stories: StoryTable, frequency: Frequency) -> Iterable[str]:
    if frequency == "h" and stories.day_only.any():
        yield (
            f"{np.count_nonzero(stories.day_only)} stories state only their day and are left out of"
            " the hourly index."
        )


def _default_base(stories: StoryTable, frequency: Frequency) -> tuple[datetime, datetime]:
    """The first four weeks that have enough stories each; the first four of all if there are none.

    Chosen by the stories of the window and of those before it alone.
    """
    day = 86_400
    first = datetime.fromtimestamp(int(stories.seconds[0]), tz=UTC)
    start = period_start(first, "W" if frequency == "W" else "D")
    days = (stories.seconds - int(start.timestamp())) // day
    step = 7 if frequency == "W" else 1
    total = np.cumsum(np.bincount(days))
    before = np.r_[0, total]
    for begin in range(0, len(total) - 4 * 7 + 1, step):
        weeks = np.diff(before[begin : begin + 4 * 7 + 1 : 7])
        if (weeks >= LEAST_WEEKLY_STORIES).all():
            start += timedelta(days=begin)
            break
    return start, start + DEFAULT_BASE


def _span(stories: StoryTable, frequency: Frequency, base: tuple[datetime, datetime]) -> Span:
    numbers = period_number(stories.seconds, frequency)
    first = int(numbers.min())
    starts = period_seconds(np.arange(first, int(numbers.max()) + 1), frequency)
    length = LENGTHS[frequency].total_seconds()
    in_base = (starts >= base[0].timestamp()) & (starts + length <= base[1].timestamp())
    return Span(first=first, starts=starts, in_base=in_base)


def _universe(stories: StoryTable, asset: str) -> Booleans:
    if asset == "all":
        return np.ones(len(stories), dtype=np.bool_)
    return stories.assets[:, ASSETS.index(asset) - 1]


def _assembled(
    parts: list[pd.DataFrame], *, frequency: Frequency, as_of: datetime, vintage: str
) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    frame = pd.concat(parts, ignore_index=True)
    frame["frequency"] = frequency
    frame["as_of"] = pd.Timestamp(as_of)
    frame["vintage"] = vintage
    decimals = [
        "attention",
        "stance",
        "pressure",
        "lower",
        "upper",
        "outlet_low",
        "outlet_high",
        "mix_distance",
        "attention_raw",
        "pressure_raw",
    ]
    frame[decimals] = frame[decimals].round(_DECIMALS) + 0.0  # no negative zeros
    return frame[list(COLUMNS)]


def summary(result: IndexResult) -> dict[str, Any]:
    """What a person wants to know of a build, as plain values: spans, counts, notes, digest."""
    return {
        "vintage": result.vintage,
        "model": result.model,
        "as_of": result.as_of.isoformat(),
        "base": [moment.isoformat() for moment in result.base],
        "rows": len(result.frame),
        "counts": asdict(result.counts),
        "notes": list(result.notes),
    }
