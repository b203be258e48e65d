"""What a study gives. Its numbers are finite; what could not be computed is absent and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AllowInfNan

from corpus.records import Record, UtcDatetime
from nlp.study.plan import Measure, Plan

if TYPE_CHECKING:
    import pandas as pd

Number = Annotated[float, AllowInfNan(False)]
Relation = Literal["contemporaneous", "predictive", "price_leads"]
Direction = Literal["index_to_return", "return_to_index"]
Target = Literal["return", "volatility"]
VolatilityKind = Literal["log_realised", "absolute_return"]


class Regression(Record):
    """Least squares with Newey-West (HAC) errors; ``slope`` per unit deviation of the regressor."""

    slope: Number
    error: Number
    p_value: Number
    hac_lag: int
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
    """Whether the past of one adds to the past of the other (Wald test with HAC covariance)."""

    driver: str
    asset: str
    direction: Direction
    lags: int
    periods: int
    statistic: Number
    p_value: Number


class Placebo(Record):
    """A test that must find nothing: index of far later periods, or index shuffled by blocks."""

    kind: Literal["future_index", "shuffled_blocks"]
    driver: str
    asset: str
    periods: int
    correlation: Number
    p_value: Number
    target: Target = "return"


class Missing(Record):
    """A part of the plan that was not computed, and why."""

    driver: str
    asset: str
    relation: Relation | None
    reason: str
    target: Target = "return"


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
