"""The pages and where they lie."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.responses import HTMLResponse

from corpus.errors import UndertowError
from nlp.index import COMPOSITE, week_name
from nlp.records import Item, TagRecord
from nlp.taxonomy import driver_named, drivers
from service.http.articles import ArticleId, tag_model
from service.http.market import last_day_end
from service.http.problems import Problem, ProblemError
from service.http.service import Service, TheService
from service.http.tagging import TEXT_CHARACTERS, TITLE_CHARACTERS
from service.pages.marking import marked
from service.report import WeeklyReport, charts, render, words
from service.report.render import html_environment
from service.report.study import summarised

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Week = Annotated[str, Path(max_length=20)]
# A report is one file with its styles inside, so its page may hold styles, and still no scripts.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def add_pages(app: FastAPI) -> None:
    """Add the pages, and the page that tells a problem."""
    app.state.problem_page = problem_page
    app.include_router(router)


def _page(name: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(_text(name, **values))


def _text(name: str, **values: Any) -> str:
    template = html_environment("service.pages", "service.report").get_template(name)
    return template.render(w=words, all_drivers=drivers(), **values)


def problem_page(problem: Problem) -> str:
    """A problem as a page."""
    return _text("problem.html.jinja", problem=problem)


@router.get("/")
def overview(service: TheService) -> HTMLResponse:
    """The last week with news: headline, pressure, price, what to watch, latest stories."""
    report = _last_report(service)
    return _page("overview.html.jinja", report=report, charts=_charts(report))


@router.get("/drivers/{name}")
def driver(service: TheService, name: str) -> HTMLResponse:
    """One driver: its weeks, and the stories that decided the last one."""
    try:
        chosen = driver_named(name)
    except UndertowError as error:
        raise ProblemError(404, error.message, remedy=error.remedy) from error
    report = _last_report(service)
    row = next(row for row in report.drivers if row.name == name)
    week = (report.start, report.end)
    return _page(
        "driver.html.jinja",
        report=report,
        driver=chosen,
        row=row,
        chart=charts.driver_chart(report.index_series, name, week=week, height=150),
        weeks=[point for point in reversed(report.index_series) if point.driver == name],
        week_name=week_name,
    )


@router.get("/articles/{article_id}")
def article(service: TheService, article_id: ArticleId) -> HTMLResponse:
    """An article with its evidence marked, its copies and earlier contents."""
    found = service.store.article(article_id)
    if found is None:
        raise ProblemError(404, f"there is no article {article_id}")
    text = service.store.tag_record(article_id, tag_model(service))
    record = TagRecord.model_validate_json(text) if text and '"error":' not in text else None
    return _page(
        "article.html.jinja",
        article=found,
        record=record,
        title=marked(found.title, record, "title"),
        text=marked(found.readable_text or "", record, "text"),
        copies=[one for one in service.store.story(found.story_id) if one.id != article_id],
        revisions=service.store.revisions(article_id),
    )


@router.get("/study")
def study(service: TheService) -> HTMLResponse:
    """The verdict first, then the tests."""
    result = service.study(service.news(), frequency="D")
    return _page("study.html.jinja", study=summarised(result), result=result)


@router.get("/try")
async def try_form() -> HTMLResponse:
    """A form for a text."""
    return _page("try.html.jinja", given={"title": "", "text": ""}, record=None, failure=None)


@router.post("/try")
async def try_text(request: Request, service: TheService) -> HTMLResponse:
    """The tags of the text that was sent."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    given = {
        "title": fields.get("title", [""])[0].strip()[:TITLE_CHARACTERS],
        "text": fields.get("text", [""])[0].strip().replace("\r\n", "\n")[:TEXT_CHARACTERS],
    }
    if not given["title"] and not given["text"]:
        return _page(
            "try.html.jinja", given=given, record=None, failure="Paste a title or a text first."
        )
    item = Item(id="1", title=given["title"] or None, text=given["text"] or None)
    seconds = service.options.deadline_seconds
    told = (await service.batcher.tag([item], deadline_seconds=seconds))[0]
    if '"error":' in told:
        return _page(
            "try.html.jinja", given=given, record=None, failure="There are no words to read in it."
        )
    record = TagRecord.model_validate_json(told)
    return _page(
        "try.html.jinja",
        given=given,
        record=record,
        failure=None,
        title=marked(given["title"], record, "title"),
        text=marked(given["text"], record, "text"),
    )


@router.get("/reports/{week}")
def weekly_report(service: TheService, week: Week) -> HTMLResponse:
    """The weekly report as `undertow report` writes it."""
    page = render(service.report(week), "html")
    return HTMLResponse(page, headers={"Content-Security-Policy": _REPORT_POLICY})


@router.get("/static/style.css")
def style() -> Response:
    """The one style sheet: that of the report, that of the pages, and the drivers' colours."""
    return Response(
        _style(), media_type="text/css", headers={"Cache-Control": "public, max-age=300"}
    )


@router.get("/favicon.ico", status_code=204, response_class=Response)
def icon() -> None:
    """Browsers ask for one; there is none."""


@cache
def _style() -> str:
    report = files("service.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    pages = files("service.pages").joinpath("static/pages.css").read_text(encoding="utf-8")
    colors = [f".driver-{one.name} {{ --driver: {one.color}; }}" for one in drivers()]
    return "\n".join([report, pages, *colors, f".driver-{COMPOSITE} {{ --driver: var(--muted); }}"])


def _last_report(service: Service) -> WeeklyReport:
    end = last_day_end(service)
    return service.report(week_name(end - timedelta(days=1)), with_study=False)


def _charts(report: WeeklyReport) -> dict[str, str | None]:
    week = (report.start, report.end)
    core = [row for row in report.drivers if row.core]
    small = {
        row.name: charts.driver_chart(
            report.index_series, row.name, week=week, width=320, height=90, ticks=4
        )
        for row in core
    }
    return small | {
        "pressure": charts.pressure_chart([*(row.reading for row in core), report.composite]),
        "price": charts.price_and_composite_chart(
            report.price_series, report.index_series, week=week
        ),
    }
