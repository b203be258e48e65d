"""Build the narrative index from tagged articles; ``docs/method.md`` states it in formulas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import StudyError, UsageError
from nlp.index.aggregate import BAND_LEVEL, Aggregation, Levels, Singles
from nlp.index.effects import outlet_effects
from nlp.index.periods import (
    LENGTHS,
    Frequency,
    checked_frequency,
    period_number,
    period_seconds,
    period_start,
)
from nlp.index.result import COLUMNS, IndexResult, Scale
from nlp.index.stories import Booleans, Floats, Integers, Reader, StoryTable, Tagged
from nlp.taxonomy import core_drivers, drivers

if TYPE_CHECKING:
    import pandas as pd

ASSETS = ("all", "BTC", "ETH")
COMPOSITE = "composite"
DEFAULT_BASE = timedelta(weeks=4)
DEFAULT_REPLICATES = 400
_LEAST_BASE_PERIODS = 3
# Digits kept in the file: far below the bootstrap's noise, above the last bits in which
# processors may differ.
_DECIMALS = 9


@dataclass(frozen=True)
class _Span:
    """Periods from number ``first`` on, and which of them lie in the base window."""

    first: int
    starts: Integers
    in_base: Booleans


def build(
    tagged: Iterable[Tagged],
    *,
    frequency: Frequency,
    as_of: datetime,
    model: str,
    asset: str | Sequence[str] = "all",
    base: tuple[datetime, datetime] | None = None,
    exclude_recaps: bool = False,
    replicates: int = DEFAULT_REPLICATES,
) -> IndexResult:
    """The index per driver and period, from what had been first seen by ``as_of`` (aware, UTC).

    ``asset`` is ``all``, ``BTC``, ``ETH`` or several of them; an asset's index uses the stories
    that name it. ``base`` (start, end exclusive) is the window of outlet effects and scales; by
    default the first four weeks of the stories. ``replicates`` is the number of bootstrap
    replicates behind the 90% band.

    Raises :class:`UsageError` for an unknown frequency or asset, :class:`StudyError` when there
    is no story, the base window covers fewer than three periods, or tags of several models are
    mixed.
    """
    frequency = checked_frequency(frequency)
    assets = (asset,) if isinstance(asset, str) else tuple(asset)
    for name in assets:
        if name not in ASSETS:
            raise UsageError(f"unknown asset {name!r}", remedy=f"choose one of {', '.join(ASSETS)}")
    names = tuple(driver.name for driver in drivers())
    reader = Reader(drivers=names, assets=ASSETS[1:], as_of=as_of, model=model)
    everything, counts, digest = reader.read(tagged)
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
    span = _span(stories, frequency, window)
    if np.count_nonzero(span.in_base) < _LEAST_BASE_PERIODS:
        raise StudyError(
            f"the base window {window[0]:%Y-%m-%d} to {window[1]:%Y-%m-%d} covers fewer than"
            f" {_LEAST_BASE_PERIODS} periods of the stories",
            remedy="give an earlier or longer base window, or more news",
        )
    vintage = _vintage(
        digest,
        model=model,
        frequency=frequency,
        assets=assets,
        as_of=as_of,
        base=window,
        exclude_recaps=exclude_recaps,
        replicates=replicates,
    )
    base_stories = (stories.seconds >= window[0].timestamp()) & (
        stories.seconds < window[1].timestamp()
    )
    effects = outlet_effects(stories, base_stories)
    notes = list(_count_notes(everything, frequency))
    parts: list[pd.DataFrame] = []
    scales: dict[tuple[str, str], Scale] = {}
    for number, name in enumerate(assets):
        universe = Aggregation(
            stories,
            keep=_universe(stories, name),
            period=period_number(stories.seconds, frequency) - span.first,
            periods=len(span.starts),
            effects=effects,
        )
        random = np.random.default_rng([int(vintage[:15], 16), number])
        table, found = _table(universe, span, names, replicates, random)
        table["asset"] = name
        parts.append(table)
        for driver, scale in found.items():
            scales[name, driver] = scale
            if not scale.usable:
                notes.append(
                    f"{driver} ({name}): pressure did not vary over the base window, so it has no"
                    " scale; it is left empty and out of the composite."
                )
    frame = _assembled(parts, frequency=frequency, as_of=as_of, vintage=vintage)
    return IndexResult(
        frame=frame,
        frequency=frequency,
        as_of=as_of,
        model=model,
        vintage=vintage,
        base=window,
        drivers=names,
        scales=scales,
        counts=counts,
        notes=tuple(notes),
        stories=stories,
        effects=effects,
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
    first = datetime.fromtimestamp(int(stories.seconds[0]), tz=UTC)
    start = period_start(first, "D" if frequency == "h" else frequency)
    return start, start + DEFAULT_BASE


def _span(stories: StoryTable, frequency: Frequency, base: tuple[datetime, datetime]) -> _Span:
    numbers = period_number(stories.seconds, frequency)
    first = int(numbers.min())
    starts = period_seconds(np.arange(first, int(numbers.max()) + 1), frequency)
    length = LENGTHS[frequency].total_seconds()
    in_base = (starts >= base[0].timestamp()) & (starts + length <= base[1].timestamp())
    return _Span(first=first, starts=starts, in_base=in_base)


def _universe(stories: StoryTable, asset: str) -> Booleans:
    if asset == "all":
        return np.ones(len(stories), dtype=np.bool_)
    return stories.assets[:, ASSETS.index(asset) - 1]


def _table(
    universe: Aggregation,
    span: _Span,
    names: tuple[str, ...],
    replicates: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, dict[str, Scale]]:
    """Rows of one asset, and the scale of each driver."""
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    levels = universe.levels
    covered = levels.stories > 0
    scales = {
        name: _scale(levels, number, span.in_base & covered) for number, name in enumerate(names)
    }
    drawn = universe.replicates(replicates, random)
    means = np.array([scales[name].pressure_mean for name in names])
    deviations = np.array(
        [scales[name].pressure_deviation if scales[name].usable else np.nan for name in names]
    )
    pressure = (levels.pressure - means) / deviations
    drawn = ((drawn - means) / deviations).astype(np.float32)
    attention = levels.attention / np.array([scales[n].attention_mean for n in names]) * 100
    attention[~np.isfinite(attention)] = np.nan

    def rows(**values: Any) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "period_start": pd.to_datetime(span.starts, unit="s", utc=True),
                "stories": levels.stories,
                "in_base": span.in_base,
                **values,
            }
        )

    parts = []
    for number, name in enumerate(names):
        lower, upper = _band(drawn[:, :, number])
        parts.append(
            rows(
                driver=name,
                tagged=levels.tagged[:, number],
                attention=attention[:, number],
                stance=levels.stance[:, number],
                pressure=pressure[:, number],
                lower=lower,
                upper=upper,
                attention_raw=levels.attention[:, number],
                pressure_raw=levels.pressure[:, number],
                coverage=_coverage(covered, scales[name].usable),
            )
        )
    core = [names.index(driver.name) for driver in core_drivers() if scales[driver.name].usable]
    weight = np.where(np.isnan(levels.stance[:, core]), 0.0, levels.attention[:, core])
    lower, upper = _band(drawn[:, :, core].mean(axis=2)) if core else _band(drawn[:, :, 0])
    composite = rows(
        driver=COMPOSITE,
        tagged=universe.tagged_with_any(core),
        attention=_mean(attention[:, core]),
        stance=_weighted(levels.stance[:, core], weight),
        pressure=_mean(pressure[:, core]),
        lower=lower,
        upper=upper,
        attention_raw=_mean(levels.attention[:, core]),
        pressure_raw=_mean(levels.pressure[:, core]),
        coverage=_coverage(covered, bool(core)),
    )
    return pd.concat([*parts, composite], ignore_index=True), scales


def _scale(levels: Levels, driver: int, base: Booleans) -> Scale:
    attention = levels.attention[base, driver]
    pressure = levels.pressure[base, driver]
    if len(pressure) < _LEAST_BASE_PERIODS:
        return Scale(attention_mean=np.nan, pressure_mean=np.nan, pressure_deviation=np.nan)
    mean = float(attention.mean())
    deviation = float(pressure.std(ddof=1))
    return Scale(
        attention_mean=mean if mean > 0 else np.nan,
        pressure_mean=float(pressure.mean()),
        pressure_deviation=deviation if deviation > 1e-12 else np.nan,
    )


def _coverage(covered: Booleans, scaled: bool) -> list[str]:
    return [("ok" if scaled else "unscaled") if one else "none" for one in covered]


def _band(drawn: Singles) -> tuple[Floats, Floats]:
    """Quantiles over replicates, one pair a period; NaN where a period has no replicates."""
    whole = np.isfinite(drawn).all(axis=0)
    lower, upper = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    if whole.any():
        tail = (1 - BAND_LEVEL) / 2
        low, high = np.quantile(drawn[:, whole].astype(np.float64), [tail, 1 - tail], axis=0)
        lower[whole], upper[whole] = low, high
    return lower, upper


def _mean(values: Floats) -> Floats:
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    mean: Floats = values.mean(axis=1)
    return mean


def _weighted(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    above = (np.nan_to_num(values) * weights).sum(axis=1)
    mean: Floats = np.divide(above, total, out=np.full(len(total), np.nan), where=total > 1e-12)
    return mean


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
        "attention_raw",
        "pressure_raw",
    ]
    frame[decimals] = frame[decimals].round(_DECIMALS) + 0.0  # no negative zeros
    return frame[list(COLUMNS)]


def _vintage(digest: bytes, **parameters: Any) -> str:
    told = {
        name: [moment.isoformat() for moment in value] if name == "base" else str(value)
        for name, value in parameters.items()
    }
    told["code"] = _code_digest()
    told["inputs"] = digest.hex()
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def _code_digest() -> str:
    """Digest of the code and taxonomy that decide the numbers: a version no one can forget."""
    room = files("nlp")
    sources = [room / "taxonomy.toml", room / "recaps.py"]
    sources += sorted(
        (entry for entry in (room / "index").iterdir() if entry.name.endswith(".py")),
        key=lambda entry: entry.name,
    )
    whole = hashlib.sha256()
    for source in sources:
        whole.update(source.read_bytes())
    return whole.hexdigest()


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
