"""Times in queries: UTC days or moments with a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

from service.http.problems import FieldProblem, ProblemError, shown


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) == len("2025-11-17"):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("write a day like 2025-11-17") from None
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        # In a query a plus sign that was not encoded arrives as a space.
        moment = datetime.fromisoformat(value.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("write a time with its zone, like 2025-11-17T14:00:00Z")


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    Query(
        description="A UTC day (2025-11-17) or a time with its zone (2025-11-17T14:00:00Z)",
        examples=["2025-11-17"],
    ),
]


def check_span(since: datetime | None, until: datetime | None) -> None:
    """Raise a problem when the span is reversed or empty."""
    if since is not None and until is not None and since >= until:
        raise ProblemError(
            409,
            f"since ({since:%Y-%m-%dT%H:%M:%SZ}) is not before until ({until:%Y-%m-%dT%H:%M:%SZ})",
            remedy="swap since and until, or widen the span; until is exclusive",
            errors=(
                FieldProblem(
                    field="query.since",
                    value=shown(since),
                    problem="not before until",
                    remedy="swap since and until",
                ),
            ),
        )
