"""The charts of the pages that can be worked with: drawn on the server, made live by a script.

Each is one Vega-Lite specification. The server draws it as SVG, which is all that a browser without
scripts needs; where scripts run, ``static/charts.js`` draws the same specification again with its
zoom and its clicks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from corpus.records import Record
from nlp.index import COMPOSITE
from nlp.taxonomy import core_drivers
from service.report.charts import INK, MUTED, color_of, finished, svg_of
from service.report.records import IndexPoint, PricePoint, WeeklyReport
from service.report.words import driver_title

if TYPE_CHECKING:
    import altair as alt

WIDTH = 640
_ASSET_COLORS = {"BTC": INK, "ETH": "#7a838c"}
# Bars beyond that quantile of their panel, with half as much room again, are cut.
_USUAL = 0.9
_BAR_GAP = 0.08


class DayPoint(Record):
    """A driver (or the composite) on one UTC day; null where nothing is known."""

    driver: str
    day: date
    stories: int
    tagged: int
    attention: float | None
    stance: float | None
    pressure: float | None
    lower: float | None
    upper: float | None


class Drawing(Record):
    """A chart as SVG and, where it can be worked with, as its specification (JSON)."""

    svg: str
    specification: str | None = None


def own_script() -> str:
    """What of the pages' script is ours."""
    return files("service.pages").joinpath("static/charts.js").read_text(encoding="utf-8")


def charts_script() -> str:
    """Our script with Vega and all that it needs, as one file that fetches nothing."""
    import vl_convert  # noqa: PLC0415 - slow to import

    made: str = vl_convert.javascript_bundle(own_script())
    return made


def overview_drawing(report: WeeklyReport) -> Drawing | None:
    """Price over the composite and the four drivers by week; a strip below zooms them together.

    None when there is no pressure to draw.
    """
    import altair as alt  # noqa: PLC0415 - slow to import

    points = report.index_series
    if not any(one.driver == COMPOSITE for one in points):
        return None
    zoom = alt.selection_interval(
        name="zoom", encodings=["x"], mark=alt.BrushConfig(fill=MUTED, fillOpacity=0.25)
    )
    x = alt.X(
        field="start",
        type="temporal",
        title=None,
        scale=alt.Scale(type="utc", domain=zoom),
        axis=alt.Axis(labels=False, ticks=False, grid=False),
    )
    names = [COMPOSITE, *(one.name for one in core_drivers())]
    span = (min(one.start for one in points), max(one.end for one in points))
    prices = [one for one in report.price_series if span[0] <= one.time <= span[1]]
    panels = [_prices(prices, x, span)] if prices else []
    panels += [
        _bars([_week(one) for one in points if one.driver == name], x, driver_title(name), 68, span)
        for name in names
    ]
    strip_x = (
        x.scale(type="utc")
        .title("drag here to zoom, double-click for all")
        .axis(format="%-d %b", grid=False, tickCount=8)
    )
    strip = _bars(
        [_week(one) for one in points if one.driver == COMPOSITE],
        strip_x,
        "",
        34,
        span,
        bands=False,
    ).add_params(zoom)
    return _drawn(alt.vconcat(*panels, strip, spacing=10))


def days_drawing(points: Sequence[DayPoint], driver: str) -> Drawing | None:
    """Attention, stance and pressure of a driver day by day; a click on a day opens it."""
    import altair as alt  # noqa: PLC0415 - slow to import

    own = [one for one in points if one.driver == driver]
    if not any(one.pressure is not None for one in own):
        return None
    span = (_midnight(own[0].day), _midnight(own[-1].day) + timedelta(days=1))
    x = alt.X(
        field="start",
        type="temporal",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%-d %b", grid=False, tickCount=8, labelFlush=False),
    )
    panels = []
    for name in ("attention", "stance", "pressure"):
        rows = [
            {
                **_span(one.day, timedelta(days=1)),
                "driver": driver,
                "value": value,
                "lower": one.lower if name == "pressure" else None,
                "upper": one.upper if name == "pressure" else None,
                "told": f"{one.day:%-d %B}: {one.tagged} of {one.stories} stories",
                "link": f"/drivers/{driver}?day={one.day.isoformat()}#day",
                "strength": 0.8,
            }
            for one in own
            if (value := getattr(one, name)) is not None
        ]
        panels.append(_bars(rows, x, name, 74, span, bands=name == "pressure"))
    return _drawn(alt.vconcat(*panels, spacing=10))


def _drawn(chart: Any) -> Drawing:
    specification = finished(chart)
    return Drawing(svg=svg_of(specification), specification=json.dumps(specification))


def _week(one: IndexPoint) -> dict[str, Any]:
    return {
        **_span(one.start.date(), one.end - one.start),
        "driver": one.driver,
        "value": one.pressure,
        "lower": one.lower,
        "upper": one.upper,
        "told": f"week from {one.start:%-d %B}",
        "strength": 0.75,
    }


def _span(day: date, length: timedelta) -> dict[str, str]:
    start = _midnight(day)
    gap = length * _BAR_GAP
    return {
        "start": _iso(start + gap),
        "end": _iso(start + length - gap),
        "middle": _iso(start + length / 2),
    }


def _bars(
    rows: Sequence[dict[str, Any]],
    x: alt.X,
    title: str,
    height: int,
    span: tuple[datetime, datetime],
    *,
    bands: bool = True,
) -> Any:
    """Bars from zero with their bands; what lies beyond the scale is cut."""
    import altair as alt  # noqa: PLC0415 - slow to import

    low, high = _scale([row["value"] for row in rows])
    shown = [
        row
        | {
            "value": min(max(row["value"], low), high),
            "exact": round(row["value"], 2),
            "lower": None if row["lower"] is None else min(max(row["lower"], low), high),
            "upper": None if row["upper"] is None else min(max(row["upper"], low), high),
        }
        for row in rows
    ]
    color = color_of(shown[0]["driver"]) if shown else MUTED
    scale = alt.Scale(domain=[low, high], nice=False)
    axis = alt.Axis(tickCount=4) if title else alt.Axis(labels=False, grid=False)
    base = alt.Chart(alt.Data(values=shown), width=WIDTH, height=height)  # type: ignore[no-untyped-call]
    bars = base.mark_rect(color=color, clip=True, cursor="pointer" if _linked(rows) else "default")
    layers: list[Any] = [
        _frame(x, span),
        bars.encode(
            x=x,
            x2="end:T",
            y=alt.Y("value:Q", title=_lines(title), scale=scale, axis=axis),
            y2=alt.datum(0),
            opacity=alt.Opacity("strength:Q", scale=None),
            tooltip=[alt.Tooltip("told:N", title="when"), alt.Tooltip("exact:Q", title="value")],
        ),
    ]
    if bands:
        layers.append(
            base.mark_rule(color=INK, strokeWidth=1, opacity=0.7, clip=True).encode(
                x=x.field("middle"),
                y=alt.Y("lower:Q", scale=scale, title=_lines(title)),
                y2="upper:Q",
            )
        )
    zero = alt.Chart(alt.Data(values=[{"zero": 0}]))  # type: ignore[no-untyped-call]
    layers.append(zero.mark_rule(color=INK, strokeWidth=1).encode(y=alt.Y("zero:Q", scale=scale)))
    return alt.layer(*layers)


def _frame(x: alt.X, span: tuple[datetime, datetime]) -> Any:
    """Nothing to see, over the whole span: so all panels are as wide in time."""
    import altair as alt  # noqa: PLC0415 - slow to import

    rows = [{"start": _iso(span[0]), "end": _iso(span[1])}]
    base = alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]
    return base.mark_rect(opacity=0).encode(x=x, x2="end:T")


def _prices(points: Sequence[PricePoint], x: alt.X, span: tuple[datetime, datetime]) -> Any:
    import altair as alt  # noqa: PLC0415 - slow to import

    first: dict[str, float] = {}
    rows = [
        {
            "start": _iso(one.time),
            "asset": one.asset,
            "value": one.close / first.setdefault(one.asset, one.close) * 100,
            "close": one.close,
        }
        for one in points
    ]
    names = sorted(first)
    color = alt.Color(
        "asset:N",
        scale=alt.Scale(domain=names, range=[_ASSET_COLORS.get(name, MUTED) for name in names]),
        legend=alt.Legend(
            title=None, orient="top", labelColor=INK, symbolType="stroke", symbolStrokeWidth=2
        ),
    )
    base = alt.Chart(alt.Data(values=rows), width=WIDTH, height=130)  # type: ignore[no-untyped-call]
    lines = base.mark_line(strokeWidth=1.8, clip=True).encode(
        x=x,
        y=alt.Y("value:Q", title=["price,", "start = 100"], scale=alt.Scale(zero=False)),
        color=color,
        strokeDash=alt.StrokeDash("asset:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 2]])),
    )
    return alt.layer(_frame(x, span), lines)


def _scale(values: Sequence[float]) -> tuple[float, float]:
    sizes = sorted(abs(value) for value in values) or [1.0]
    most = min(sizes[-1], 1.5 * sizes[int(_USUAL * (len(sizes) - 1))]) or 1.0
    most *= 1.08
    return (0.0 if min(values, default=0.0) >= 0 else -most), most


def _linked(rows: Sequence[dict[str, Any]]) -> bool:
    return any("link" in row for row in rows)


def _lines(title: str) -> list[str] | None:
    """A title in lines that fit beside a low panel."""
    return wrap(title, 14) or None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
