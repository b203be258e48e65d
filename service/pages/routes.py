"""The pages and where they lie."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from corpus.errors import UndertowError
from nlp.index import COMPOSITE
from nlp.records import Item, TagRecord, stored_fields
from nlp.taxonomy import driver_named, drivers
from service.http.articles import ArticleId, tag_model
from service.http.guard import POLICY
from service.http.problems import Problem, ProblemError
from service.http.service import TheService
from service.http.tagging import TEXT_CHARACTERS, TITLE_CHARACTERS
from service.pages.driver_news import driver_news
from service.pages.keeper import BoardKeeper
from service.pages.marking import marked
from service.report import render, words
from service.report.render import html_environment
from service.report.study import summarised

# How long a page waits for the first board of a store before it says that it is being made.
PATIENCE_SECONDS = 0.2


def _keeper_of(request: Request) -> BoardKeeper:
    keeper: BoardKeeper = request.app.state.board_keeper
    return keeper


TheKeeper = Annotated[BoardKeeper, Depends(_keeper_of)]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Week = Annotated[str, Path(max_length=20)]
# A report is one file with its styles inside, so its page may hold styles, and still no scripts.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def add_pages(app: FastAPI) -> None:
    """Add the pages of ``app.state.service``, and the page that tells a problem."""
    app.state.problem_page = problem_page
    app.state.board_keeper = BoardKeeper(app.state.service.store)
    app.include_router(router)


def _page(name: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(_text(name, **values))


def _live_page(name: str, **values: Any) -> HTMLResponse:
    """A page whose charts the script of this server makes live."""
    policy = {"Content-Security-Policy": f"{POLICY}; script-src 'self'"}
    return HTMLResponse(_text(name, **values), headers=policy)


def _being_made() -> HTMLResponse:
    """Says that the figures are on their way; the browser asks again by itself."""
    return HTMLResponse(_text("being_made.html.jinja"), headers={"Refresh": "2"})


def _text(name: str, **values: Any) -> str:
    template = html_environment("service.pages", "service.report").get_template(name)
    return template.render(w=words, all_drivers=drivers(), **values)


def problem_page(problem: Problem) -> str:
    """A problem as a page."""
    return _text("problem.html.jinja", problem=problem)


@router.get("/")
def overview(keeper: TheKeeper) -> HTMLResponse:
    """The last week with news: headline, pressure, price, what to watch, the last day's stories."""
    board, current = keeper.board(patience=PATIENCE_SECONDS)
    if board is None:
        return _being_made()
    return _live_page("overview.html.jinja", board=board, report=board.report, current=current)


@router.get("/drivers/{name}")
def driver(
    service: TheService,
    keeper: TheKeeper,
    name: str,
    day: Annotated[date | None, Query(description="A day to see alone")] = None,
) -> HTMLResponse:
    """One driver day by day, and the news of its last week or of one day."""
    try:
        chosen = driver_named(name)
    except UndertowError as error:
        raise ProblemError(404, error.message, remedy=error.remedy) from error
    board, current = keeper.board(patience=PATIENCE_SECONDS)
    if board is None:
        return _being_made()
    report = board.report
    start, end = report.start, report.end
    if day is not None:
        if not date(1971, 1, 1) <= day <= board.last_day:
            raise ProblemError(
                422,
                f"day: {day} is not in the news, which ends on {board.last_day}",
                remedy=f"choose a day up to {board.last_day}",
            )
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = start + timedelta(days=1)
    reader = service.news(model=report.method.model, as_of=report.method.as_of)
    return _live_page(
        "driver.html.jinja",
        report=report,
        driver=chosen,
        row=next(row for row in report.drivers if row.name == name),
        drawing=board.drawings.get(f"days.{name}"),
        days=[point for point in reversed(board.days) if point.driver == name],
        day=day,
        news=driver_news(reader.between(start, end), name),
        span=(start, end),
        current=current,
    )


@router.get("/articles/{article_id}")
def article(service: TheService, article_id: ArticleId) -> HTMLResponse:
    """An article with its evidence marked, its copies and earlier contents."""
    found = service.store.article(article_id)
    if found is None:
        raise ProblemError(404, f"there is no article {article_id}")
    text = service.store.tag_record(article_id, tag_model(service))
    fields = stored_fields(text) if text else {"error": "not tagged"}
    record = None if "error" in fields else TagRecord.model_validate(fields)
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


@router.get("/static/charts.js")
def script(keeper: TheKeeper) -> Response:
    """The script that makes charts live, with all that it needs."""
    return Response(
        keeper.script(),
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=3600"},
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
