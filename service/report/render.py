"""Render a weekly report as HTML, Markdown, PDF or JSON, all from the one record."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from corpus.errors import UsageError
from service.report import charts, words
from service.report.pdf import page_to_pdf
from service.report.records import WeeklyReport
from service.report.study_table import study_rows

if TYPE_CHECKING:
    import jinja2

ReportFormat = Literal["html", "md", "pdf", "json"]
FORMATS: tuple[ReportFormat, ...] = ("html", "md", "pdf", "json")

# Characters that Markdown, or HTML inside it, may read as markup.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&@]|:(?=//)|(?<=www)\.)")
_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+=])")


def render(report: WeeklyReport, format: str) -> str:
    """The report as one self-contained text.

    ``html`` has its charts and styles inside and needs neither scripts nor requests; ``md`` is
    CommonMark with tables; ``json`` is the record. Text from outside is escaped in each. Raises
    :class:`UsageError` for another format; a PDF is no text, see :func:`encoded`.
    """
    if format == "json":
        return report.model_dump_json(indent=2, by_alias=True) + "\n"
    if format == "md":
        text = _markdown_environment().get_template("report.md.jinja").render(_values(report))
        return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    if format == "html":
        style = files("service.report").joinpath("templates/report.css")
        return (
            html_environment("service.report")
            .get_template("report.html.jinja")
            .render(
                _values(report),
                style=style.read_text(encoding="utf-8"),
                charts=_charts(report),
            )
        )
    raise UsageError(
        f"unknown report format {format!r}",
        remedy=f"choose one of {', '.join(one for one in FORMATS if one != 'pdf')}",
    )


def encoded(report: WeeklyReport, form: ReportFormat) -> bytes:
    """The report as the bytes of a file: text in UTF-8, or a PDF made of the HTML.

    Raises :class:`UndertowError` when the system cannot set a PDF.
    """
    if form == "pdf":
        return page_to_pdf(render(report, "html"))
    return render(report, form).encode()


def _values(report: WeeklyReport) -> dict[str, Any]:
    return {
        "report": report,
        "core": [row for row in report.drivers if row.core],
        "context": [row for row in report.drivers if not row.core],
        "w": words,
    }


def _charts(report: WeeklyReport) -> dict[str, str | None]:
    """The SVG charts by name; those of the core drivers by driver."""
    week = (report.start, report.end)
    core = [row for row in report.drivers if row.core]
    drawn = {
        row.name: charts.driver_chart(report.index_series, row.name, week=week) for row in core
    }
    return drawn | {
        "pressure": charts.pressure_chart([*(row.reading for row in core), report.composite]),
        "price": charts.price_and_composite_chart(
            report.price_series, report.index_series, week=week
        ),
    }


def markdown_text(value: object) -> str:
    """Text as Markdown that shows it letter by letter, on one line."""
    text = _MARKDOWN.sub(r"\\\1", words.plain(str(value)))
    return _LINE_START.sub(lambda match: f"{match[1] or ''}\\{match[2] or match[3]}", text)


def web_link(url: str) -> str | None:
    """The address when it is a plain web address, else None: nothing else becomes a link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return url


def markdown_link(url: str) -> str | None:
    """The address for use between ``<`` and ``>`` in Markdown; None when it is no web address."""
    link = web_link(url)
    if link is None or re.search(r"[\s<>\\]", link):
        return None
    return link


@cache
def html_environment(*packages: str) -> jinja2.Environment:
    """Templates of the packages (the first that has one counts), with what they print escaped."""
    import jinja2  # noqa: PLC0415 - keeps the command line quick to start

    loaders = [jinja2.PackageLoader(package) for package in packages]
    return _environment(jinja2.ChoiceLoader(loaders), autoescape=True)


@cache
def _markdown_environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - keeps the command line quick to start

    # Whatever the Markdown template prints passes `finalize`, which escapes it.
    return _environment(
        jinja2.PackageLoader("service.report"), autoescape=False, finalize=_finished
    )


def _environment(loader: jinja2.BaseLoader, **more: Any) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - keeps the command line quick to start

    environment = jinja2.Environment(  # noqa: S701 - each caller says how it escapes
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **more,
    )
    environment.filters["web_link"] = web_link
    environment.filters["markdown_link"] = markdown_link
    environment.filters["plain"] = words.plain
    environment.filters["literal"] = _Literal
    environment.globals["study_rows"] = study_rows
    return environment


class _Literal(str):
    """Text that a Markdown template prints as it is."""

    __slots__ = ()


def _finished(value: object) -> object:
    return value if isinstance(value, _Literal) else markdown_text(value)
