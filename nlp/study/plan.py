"""The plan of a study: which tests are run, fixed before the data are seen."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from corpus.errors import InputError
from corpus.records import Record

Measure = Literal["pressure", "stance", "attention"]


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
    placebo_shift: Annotated[int, Field(ge=2)]
    minimum_periods: Annotated[int, Field(ge=20)]
    greatest_dropped: Annotated[float, Field(gt=0, lt=1)]


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
