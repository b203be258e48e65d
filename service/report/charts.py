"""Charts of report and pages as inline SVG: no scripts, no requests, colours that CSS can turn.

Ink, muted and grid colours are fixed marks in the SVG; the style sheets replace them by attribute
selectors, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nlp.index import COMPOSITE, Reading
from nlp.taxonomy import drivers
from service.report.records import IndexPoint, PricePoint
from service.report.words import driver_title, signed

if TYPE_CHECKING:
    import altair as alt

# What is there on most systems; without it print falls back to a wider face than the text's.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, MUTED, GRID = "#1c2126", "#5d6670", "#dfe3e7"
COMPOSITE_COLOR = "#4a5560"
_ASSET_COLORS = {"BTC": "#1c2126", "ETH": "#7a838c"}
# The share of weeks whose pressure the scale must hold, with half as much room again.
_USUAL_WEEKS = 0.9
# Room for the labels of the value axis, the same everywhere so that panels line up.
_VALUE_AXIS = 38


def pressure_chart(readings: Sequence[Reading], *, width: int = 700) -> str | None:
    """Each reading as a dot with its 90% band; None when no reading has a pressure."""
    import altair as alt  # noqa: PLC0415 - slow to import

    told = [one for one in readings if one.pressure is not None]
    if not told:
        return None
    titles = [driver_title(one.driver) for one in told]
    rows = [
        {
            "title": driver_title(one.driver),
            "color": color_of(one.driver),
            "pressure": one.pressure,
            "lower": one.lower if one.lower is not None else one.pressure,
            "upper": one.upper if one.upper is not None else one.pressure,
        }
        for one in told
    ]
    base = alt.Chart(_data(rows), width=width - 190, height=30 * len(rows))
    y = alt.Y(
        "title:N",
        sort=titles,
        title=None,
        axis=alt.Axis(minExtent=185, labelLimit=185, labelPadding=12),
    )
    color = alt.Color("color:N", scale=None)
    title = "pressure, in deviations of the base window (bearish left, bullish right)"
    whiskers = base.mark_rule(strokeWidth=5, opacity=0.35, strokeCap="round").encode(
        # Labels at both ends would otherwise be pushed inwards, onto their neighbours.
        x=alt.X("lower:Q", title=title, axis=alt.Axis(labelFlush=False)),
        x2="upper:Q",
        y=y,
        color=color,
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(x="pressure:Q", y=y, color=color)
    zero = alt.Chart(_data([{"zero": 0}])).mark_rule(color=INK).encode(x="zero:Q")
    return _svg(alt.layer(zero, whiskers, dots))


def price_and_composite_chart(
    prices: Sequence[PricePoint],
    points: Sequence[IndexPoint],
    *,
    week: tuple[datetime, datetime],
    width: int = 700,
) -> str | None:
    """Price of each asset (start of the chart = 100) over the weekly composite with its band.

    ``week`` (end exclusive) is marked. None when there is no composite.
    """
    import altair as alt  # noqa: PLC0415 - slow to import

    composite = [one for one in points if one.driver == COMPOSITE]
    if not composite:
        return None
    span = (composite[0].start, max(composite[-1].end, week[1]))
    shown = [one for one in prices if span[0] <= one.time <= span[1]]
    lower = _bars(composite, span=span, week=week, width=width - 60, height=130)
    if not shown:
        return _svg(lower)
    first: dict[str, float] = {}
    rows = [
        {
            "time": _iso(one.time),
            "asset": one.asset,
            "index": one.close / first.setdefault(one.asset, one.close) * 100,
        }
        for one in shown
    ]
    last = list({row["asset"]: row for row in rows}.values())
    x = _time_axis(span, labels=False)
    base = alt.Chart(_data(rows), width=width - 60, height=150)
    color = alt.Color(
        "asset:N",
        scale=alt.Scale(
            domain=sorted(first), range=[_ASSET_COLORS.get(name, MUTED) for name in sorted(first)]
        ),
        legend=None,
    )
    y = alt.Y("index:Q", title="price, start = 100", scale=alt.Scale(zero=False, nice=True))
    lines = base.mark_line(strokeWidth=1.8).encode(
        x=x.field("time").type("temporal"), y=y, color=color, detail="asset:N"
    )
    labels = (
        alt.Chart(_data(last))
        .mark_text(align="left", dx=5, fontSize=11, fontWeight="bold")
        .encode(x=x.field("time").type("temporal"), y=y, text="asset:N", color=color)
    )
    upper = alt.layer(_week_mark(week, span, labels=False), lines, labels)
    return _svg(alt.vconcat(upper, lower, spacing=14))


def driver_chart(
    points: Sequence[IndexPoint],
    driver: str,
    *,
    week: tuple[datetime, datetime],
    width: int = 700,
    height: int = 90,
    ticks: int = 9,
) -> str | None:
    """Weekly pressure of one driver with its bands, on the scale of all core drivers."""
    own = [one for one in points if one.driver == driver]
    if not own:
        return None
    span = (min(one.start for one in points), max(week[1], *(one.end for one in points)))
    core = {one.name for one in drivers() if one.core} | {driver}
    limit = _limit([one for one in points if one.driver in core], week[0])
    return _svg(
        _bars(own, span=span, week=week, width=width - 60, height=height, limit=limit, ticks=ticks)
    )


def color_of(driver: str) -> str:
    """Colour of a driver, or of the composite."""
    return next((one.color for one in drivers() if one.name == driver), COMPOSITE_COLOR)


def _bars(
    points: Sequence[IndexPoint],
    *,
    span: tuple[datetime, datetime],
    week: tuple[datetime, datetime],
    width: int,
    height: int,
    limit: float | None = None,
    ticks: int = 9,
) -> Any:
    import altair as alt  # noqa: PLC0415 - slow to import

    limit = limit if limit is not None else _limit(points, week[0])
    gap = timedelta(hours=14)

    def within(value: float) -> float:
        return max(-limit, min(limit, value))

    rows = [
        {
            "start": _iso(one.start + gap),
            "end": _iso(one.end - gap),
            "middle": _iso(one.start + (one.end - one.start) / 2),
            "pressure": within(one.pressure),
            "lower": within(one.lower if one.lower is not None else one.pressure),
            "upper": within(one.upper if one.upper is not None else one.pressure),
            "strength": 1.0 if one.start == week[0] else 0.5,
        }
        for one in points
    ]
    cut = [
        {
            "middle": _iso(one.start + (one.end - one.start) / 2),
            "pressure": within(one.pressure),
            "told": signed(one.pressure, 0),
        }
        for one in points
        if abs(one.pressure) > limit
    ]
    scale = alt.Scale(domain=[-limit, limit], nice=False, zero=True)
    name = "composite" if points[0].driver == COMPOSITE else "pressure"
    color = color_of(points[0].driver)
    base = alt.Chart(_data(rows), width=width, height=height)
    x = _time_axis(span, ticks=ticks)
    bars = base.mark_rect(color=color).encode(
        x=x.field("start").type("temporal"),
        x2="end:T",
        y=alt.Y("pressure:Q", title=name, scale=scale, axis=alt.Axis(tickCount=5)),
        y2=alt.datum(0),
        opacity=alt.Opacity("strength:Q", scale=None),
    )
    bands = base.mark_rule(color=INK, strokeWidth=1.1, opacity=0.75).encode(
        x=x.field("middle").type("temporal"),
        y=alt.Y("lower:Q", scale=scale, title=name),
        y2="upper:Q",
    )
    zero = alt.Chart(_data([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1)
    layers = [
        _week_mark(week, span, ticks=ticks),
        bars,
        bands,
        zero.encode(y=alt.Y("zero:Q", scale=scale)),
    ]
    if cut:
        beyond = alt.Chart(_data(cut)).mark_text(fontSize=10, color=MUTED, align="left", dx=5)
        layers.append(
            beyond.encode(
                x=x.field("middle").type("temporal"),
                y=alt.Y("pressure:Q", scale=scale),
                text="told:N",
            )
        )
    return alt.layer(*layers)


def _limit(points: Sequence[IndexPoint], week: datetime) -> float:
    """Half the height of the scale: room for all usual weeks and for the reported one.

    A thin week of the past may lie far beyond all others; it is cut and its value written.
    """
    sizes = sorted(abs(one.pressure) for one in points)
    if not sizes:
        return 1.0
    usual = 1.5 * sizes[int(_USUAL_WEEKS * (len(sizes) - 1))]
    reported = [
        abs(edge)
        for one in points
        if one.start == week
        for edge in (one.pressure, one.lower, one.upper)
        if edge is not None
    ]
    edges = [abs(edge) for one in points for edge in (one.lower, one.upper) if edge is not None]
    needed = max([*sizes, *edges])
    return max(1.0, min(needed, max([usual, *reported]))) * 1.05


def _week_mark(
    week: tuple[datetime, datetime],
    span: tuple[datetime, datetime],
    *,
    labels: bool = True,
    ticks: int = 9,
) -> Any:
    import altair as alt  # noqa: PLC0415 - slow to import

    return (
        alt.Chart(_data([{"start": _iso(week[0]), "end": _iso(week[1])}]))
        .mark_rect(color=GRID, opacity=0.55)
        .encode(
            x=_time_axis(span, labels=labels, ticks=ticks).field("start").type("temporal"),
            x2="end:T",
        )
    )


def _time_axis(span: tuple[datetime, datetime], *, labels: bool = True, ticks: int = 9) -> alt.X:
    import altair as alt  # noqa: PLC0415 - slow to import

    return alt.X(
        title=None,
        scale=alt.Scale(type="utc", domain=[_iso(moment) for moment in span], nice=False),
        axis=alt.Axis(
            format="%-d %b",
            values=[_iso(moment) for moment in _ticks(span, ticks)],
            labels=labels,
            ticks=labels,
            grid=False,
            labelFlush=False,
        ),
    )


def _data(rows: list[dict[str, Any]]) -> Any:
    import altair as alt  # noqa: PLC0415 - slow to import

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _ticks(span: tuple[datetime, datetime], most: int) -> list[datetime]:
    """Starts of weeks, at most ``most``; ``span`` begins with a week."""
    weeks = max(1, round((span[1] - span[0]) / timedelta(weeks=1)))
    step = -(-weeks // most)
    return [span[0] + timedelta(weeks=number) for number in range(0, weeks, step)]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def finished(chart: Any) -> dict[str, Any]:
    """The chart as a Vega-Lite specification in the style that all of ours share."""
    drawn = (
        chart.configure(background="transparent", font=_FONT, aria=False, padding=4)
        .configure_view(stroke=None)
        # The page says what a chart shows; its single marks are nothing to be read out.
        .configure_mark(aria=False)
        .configure_legend(aria=False)
        .configure_axis(
            aria=False,
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        )
        .configure_axisY(domain=False, ticks=False, minExtent=_VALUE_AXIS)
    )
    # The charts are ours; checking them against the schema takes longer than drawing them.
    specification: dict[str, Any] = drawn.to_dict(validate=False)
    return specification


def svg_of(specification: dict[str, Any]) -> str:
    """The specification drawn, to be put into a page; the page says in words what it shows."""
    import vl_convert  # noqa: PLC0415 - slow to import

    svg: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    return svg.replace('role="graphics-object" aria-roledescription="group mark container"', "")


def _svg(chart: Any) -> str:
    return svg_of(finished(chart))
