"""The plan of a study: which tests are run, fixed before the data are seen."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from corpus.errors import InputError
from corpus.records import Record

Measure = Literal["pressure", "stance", "attention"]


class Outside(Record):
    """A series that the index of a driver should follow, by the asset and column of the index."""

    series: str
    driver: str
    asset: Literal["all", "BTC", "ETH"]
    measure: Measure


class Market(Record):
    """A market series, and whether its change is that of the logarithm or of the level."""

    series: str
    change: Literal["log", "difference"]


class Plan(Record):
    """Drivers x assets x horizons x lags and the rules of inference, as ``plan.toml`` explains."""

    schema_version: Literal[1] = Field(alias="schema")
    measure: Measure
    volatility_measure: Measure
    index_asset: Literal["all", "own"]
    drivers: Annotated[tuple[str, ...], Field(min_length=1)]
    assets: Annotated[tuple[str, ...], Field(min_length=1)]
    horizons: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    lags: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    level: Annotated[float, Field(gt=0.5, lt=1)]
    significance: Annotated[float, Field(gt=0, lt=0.5)]
    resamples: Annotated[int, Field(ge=99)]
    seed: int
    granger_lags: Annotated[int, Field(ge=1)]
    volatility_window: Annotated[int, Field(ge=2)]
    event_window: Annotated[int, Field(ge=10)]
    event_threshold: Annotated[float, Field(gt=0)]
    event_minimum: Annotated[int, Field(ge=4)]
    projection_lags: Annotated[int, Field(ge=1)]
    forecast_first_window: Annotated[int, Field(ge=20)]
    placebo_shift: Annotated[int, Field(ge=2)]
    placebo_topics: tuple[str, ...]
    outside: tuple[Outside, ...]
    outside_lags: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    markets: tuple[Market, ...]
    market_asset: str
    market_window: Annotated[int, Field(ge=10)]
    minimum_periods: Annotated[int, Field(ge=20)]
    greatest_dropped: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _placebos_are_no_drivers(self) -> Self:
        both = set(self.placebo_topics) & set(self.drivers)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} cannot be both a driver and a placebo")
        return self


def load_plan(path: Path | None = None) -> Plan:
    """The plan in a TOML file, or the one that comes with Undertow.

    Raises :class:`InputError` when the file cannot be read or a field is missing, unknown or out
    of range.
    """
    try:
        text = (path or files("nlp.study").joinpath("plan.toml")).read_text(encoding="utf-8")
        return Plan.model_validate(tomllib.loads(text))
    except OSError as error:
        raise InputError(f"cannot read the plan {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the plan {path} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"the plan {path} is wrong at {where}: {first['msg']}",
            remedy="see nlp/study/plan.toml for every field",
        ) from error
