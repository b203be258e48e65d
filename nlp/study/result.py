"""What a study gives. Its numbers are finite; what could not be computed is absent and said."""

from __future__ import annotations

from datetime import date as Day  # noqa: N812 - a field is called date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AllowInfNan

from corpus.records import Record, UtcDatetime
from nlp.study.plan import Measure, Plan

if TYPE_CHECKING:
    import pandas as pd

Number = Annotated[float, AllowInfNan(False)]
Relation = Literal["contemporaneous", "predictive", "price_leads"]
Direction = Literal["index_to_return", "return_to_index"]
PlaceboKind = Literal["future_index", "shuffled_blocks", "unrelated_topic"]
Method = Literal["correlation", "event_study", "out_of_sample", "placebo", "outside", "markets"]
Move = Literal["rise", "fall"]
Target = Literal["return", "volatility"]
VolatilityKind = Literal["log_realised", "absolute_return"]


class Regression(Record):
    """Least squares with Newey-West (HAC) errors; ``slope`` per unit deviation of the regressor.

    Where returns overlap, ``p_value`` is by ``cosine_error``, that of so many ``cosines``.
    """

    slope: Number
    error: Number
    p_value: Number
    hac_lag: int
    cosines: int
    cosine_error: Number
    controls: tuple[str, ...]


class Cell(Record):
    """One test of the plan.

    ``contemporaneous``: index and return of the same period; ``predictive``: return over
    ``horizon`` periods that begins ``lag`` periods after the index period began, on bars that
    begin at or after its end; ``price_leads``: the return of the period before against the index.
    ``lower`` and ``upper``: circular block bootstrap interval of the correlation. ``p_value``:
    block permutation; ``p_plan``: the same for the largest statistic of the whole plan;
    ``q_value``: Benjamini-Hochberg over the plan. ``detectable``: the size of correlation that
    this sample would show, at the plan's significance without correction, in 80% of cases.
    ``target`` is what the ``measure`` column of the index is set against; with volatility, read
    "volatility" for "return" above, and ``volatility_kind`` says how it was measured.
    """

    driver: str
    asset: str
    relation: Relation
    horizon: int
    lag: int
    periods: int
    block: int
    correlation: Number
    lower: Number
    upper: Number
    p_value: Number
    p_plan: Number
    q_value: Number
    detectable: Number
    regression: Regression
    target: Target = "return"
    measure: Measure = "pressure"
    volatility_kind: VolatilityKind | None = None


class Granger(Record):
    """Whether the past of one adds to the past of the other (Wald test with HC3 errors)."""

    driver: str
    asset: str
    direction: Direction
    lags: int
    periods: int
    statistic: Number
    p_value: Number


class Placebo(Record):
    """A test that must find nothing: index of far later periods, or index shuffled by blocks.

    ``unrelated_topic`` is the index of a topic that is not known to move the price; a link of its
    own is not impossible, so it is told apart and not counted among the others.
    """

    kind: PlaceboKind
    driver: str
    asset: str
    periods: int
    correlation: Number
    p_value: Number
    target: Target = "return"
    relation: Relation = "predictive"


class EventReturn(Record):
    """Mean abnormal log return after events; ``horizon`` 0 is the event's own period.

    ``lower`` and ``upper``: block bootstrap over events; ``p_value``: by moving the dates of the
    events; ``p_holm``: the same, corrected over all events of the study.
    """

    horizon: int
    events: int
    mean: Number
    lower: Number
    upper: Number
    p_value: Number
    p_holm: Number


class EventStudy(Record):
    """Sharp rises or falls of one driver's index, and what the asset's return did.

    ``overlapping`` sharp moves (of either sign) fell within the span of an earlier one and were
    left out.
    """

    driver: str
    asset: str
    move: Move
    events: int
    overlapping: int
    returns: tuple[EventReturn, ...]


class Projection(Record):
    """Local projection: log return over ``horizon`` periods per unit deviation of the index.

    ``p_holm`` is corrected over all projections of the study.
    """

    driver: str
    asset: str
    horizon: int
    periods: int
    slope: Number
    error: Number
    lower: Number
    upper: Number
    hac_lag: int
    p_value: Number
    p_holm: Number


class Forecast(Record):
    """Out of sample, the index against the mean of past returns, over an expanding window.

    ``r2``: Campbell and Thompson; ``diebold_mariano``: positive where the index was nearer, with
    its two-sided p-value; ``clark_west_p``: one-sided, by permutation of the index; ``p_holm``:
    that, corrected over all forecasts of the study.
    """

    driver: str
    asset: str
    horizon: int
    forecasts: int
    r2: Number
    diebold_mariano: Number
    diebold_mariano_p: Number
    clark_west_p: Number
    p_holm: Number


class Following(Record):
    """Rank correlation (Spearman) of a driver's index with a given series ``lag`` periods before.

    ``p_value``: block permutation; ``p_plan``: of the largest over all given series and lags.
    """

    series: str
    driver: str
    asset: str
    measure: Measure
    lag: int
    periods: int
    block: int
    correlation: Number
    lower: Number
    upper: Number
    p_value: Number
    p_plan: Number


class RollingPoint(Record):
    """Correlation over the window of changes that ends on ``date``."""

    date: Day
    correlation: Number


class MarketLink(Record):
    """Correlation of an asset's returns with a market's changes, and its change over the span.

    ``early`` and ``late`` are parted at ``split``; ``difference`` is late minus early with its
    block bootstrap interval and two-sided p-value, ``p_holm`` that corrected over all markets.
    """

    series: str
    asset: str
    changes: int
    correlation: Number
    lower: Number
    upper: Number
    split: Day
    early: Number
    late: Number
    difference: Number
    difference_lower: Number
    difference_upper: Number
    p_value: Number
    p_holm: Number
    rolling: tuple[RollingPoint, ...]


class Missing(Record):
    """A part of the plan that was not computed, and why.

    With ``method`` ``markets``, ``driver`` holds the name of the market's series.
    """

    driver: str
    asset: str
    relation: Relation | None
    reason: str
    target: Target = "return"
    method: Method = "correlation"


class Dropped(Record):
    """Rows of the index that one relation and asset could not use.

    ``base_window`` rows are kept out of predictive tests by design: outlet effects were measured
    on them.
    """

    asset: str
    relation: Relation
    horizon: int
    lag: int
    no_coverage: int
    no_price: int
    base_window: int
    used: int
    target: Target = "return"


class StudyResult(Record):
    """All results of one run, with the plan, the alignment in words, and the verdict."""

    schema_version: Literal[1] = 1
    plan: Plan
    frequency: str
    index_vintage: str
    index_as_of: UtcDatetime
    first_period: UtcDatetime
    last_period: UtcDatetime
    alignment: str
    notes: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    cells: tuple[Cell, ...]
    granger: tuple[Granger, ...]
    placebos: tuple[Placebo, ...]
    missing: tuple[Missing, ...]
    verdict: tuple[str, ...]
    events: tuple[EventStudy, ...] = ()
    projections: tuple[Projection, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    outside: tuple[Following, ...] = ()
    markets: tuple[MarketLink, ...] = ()

    def to_json(self) -> str:
        """The result as JSON, indented, the same text for the same result."""
        return self.model_dump_json(indent=2, by_alias=True)

    def table(self) -> pd.DataFrame:
        """The cells, one row each, regression columns prefixed ``regression_``.

        ``volatility_kind`` is empty where the target is the return.
        """
        import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

        rows = []
        for cell in self.cells:
            row = cell.model_dump(exclude={"regression"})
            row["volatility_kind"] = cell.volatility_kind or ""
            regression = cell.regression.model_dump()
            regression["controls"] = ", ".join(regression["controls"])
            rows.append(row | {f"regression_{name}": value for name, value in regression.items()})
        return pd.DataFrame(rows)
