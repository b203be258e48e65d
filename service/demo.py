"""The demo: the whole chain on the bundled sample, by the functions that the commands use too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from corpus.errors import UndertowError
from corpus.sample import PREFERRED_PORT, sample_prices_path, sample_sources, serve_sample
from service.report import WeeklyReport, build_report, render
from service.report.records import DriverWeek
from service.report.words import band, count, day, days, listed, plain, side, signed

if TYPE_CHECKING:
    from corpus.store import Store

WEEKS = ("2025-W47", "2025-W49")
STORE = "undertow.db"
WIDTH = 98  # columns of a terminal line

Tell = Callable[[str], None]


def run_demo(folder: Path, *, tell: Tell) -> tuple[WeeklyReport, ...]:
    """Crawl the sample site, tag, index, study and report into ``folder``; ``tell`` gets each line.

    The store and files of an earlier demo in ``folder`` are made anew, so that a rerun gives the
    same figures. Raises :class:`UndertowError` for whatever keeps a step from being done.
    """
    from corpus.store import Store  # noqa: PLC0415 - SQLAlchemy only when the demo runs

    tell(f"The chain on the bundled sample, into {folder} (about a minute):")
    folder.mkdir(parents=True, exist_ok=True)
    for old in (STORE, f"{STORE}-wal", f"{STORE}-shm"):
        (folder / old).unlink(missing_ok=True)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(f"sqlite:///{folder / STORE}"))
        tell(f"crawl    {_crawl(store, stack)}")
        tell(f"prices   {_take_prices(store)}")
        tell(f"tag      {_tag(store)}")
        for line in _index_and_study(store, folder):
            tell(line)
        reports = tuple(build_report(store, week=week) for week in WEEKS)
    for report in reports:
        path = folder / f"report-{report.week}.html"
        path.write_text(render(report, "html"), encoding="utf-8")
        tell(f"report   {path}")
    tell("Links in the reports lead to the sample site; `python -m corpus.sample` serves it again.")
    return reports


def _crawl(store: Store, stack: ExitStack) -> str:
    from corpus.crawl import crawl  # noqa: PLC0415 - as above
    from corpus.politeness import CrawlSettings  # noqa: PLC0415 - as above

    try:
        base_url = stack.enter_context(serve_sample(PREFERRED_PORT))
    except UndertowError:
        # Somebody listens there, perhaps `python -m corpus.sample`; any free port will do.
        base_url = stack.enter_context(serve_sample())
    done = crawl(
        store,
        sample_sources(base_url),
        allow_private=True,
        # The site is ours and on this machine: no pause is owed to it.
        settings=CrawlSettings(delay_seconds=0.0),
    )
    if done.failed:
        name, problem = done.failed[0]
        raise UndertowError(
            f"the sample site's outlet {name} could not be read: {problem}",
            remedy="allow connections to 127.0.0.1 and run the demo again",
        )
    return (
        f"{count(done.sources, 'outlet')}, {count(done.new, 'article')}"
        f" ({done.copies} of them copies of another outlet's story),"
        f" {count(done.pages, 'page')} read"
    )


def _take_prices(store: Store) -> str:
    from service.prices import read_prices  # noqa: PLC0415 - as above

    taken = store.put_prices(read_prices(sample_prices_path()))
    return f"{count(taken, 'daily close')} of BTC and ETH in USD"


def _tag(store: Store) -> str:
    from nlp.tagger import Tagger  # noqa: PLC0415 - ONNX Runtime only when the demo runs
    from service.batch import tag_store  # noqa: PLC0415 - as above

    failed: list[str] = []
    done = tag_store(
        store, Tagger.load(), on_problem=failed.append, on_progress=lambda _articles: None
    )
    problems = f"; not tagged: {listed(failed)}" if failed else ""
    return (
        f"{count(done.rows, 'article')} by {done.model}, {done.relevant} of them bear on crypto"
        f"{problems}"
    )


def _index_and_study(store: Store, folder: Path) -> Iterator[str]:
    """Weekly and daily index files, and the study of the daily one against prices."""
    from nlp.index import build  # noqa: PLC0415 - as above
    from nlp.study import run  # noqa: PLC0415 - SciPy and statsmodels only when the demo runs
    from service.report.reader import open_news  # noqa: PLC0415 - as above

    news = open_news(store)
    weekly, daily = (
        build(news.headings(None, None), frequency=frequency, as_of=news.as_of, model=news.model)
        for frequency in ("W", "D")
    )
    for index, name in ((weekly, "index-weekly.csv"), (daily, "index-daily.csv")):
        index.write(folder / name)
        yield f"index    {folder / name}"
    study = run(daily.frame, store.prices())
    path = folder / "study.json"
    path.write_text(study.to_json() + "\n", encoding="utf-8")
    yield (
        f"study    {count(len(study.cells), 'test')} of pressure against price by day"
        f" ({days(study.first_period, study.last_period)}): {path}"
    )


def week_lines(report: WeeklyReport) -> Iterator[str]:
    """The week in a few lines: headline, the core drivers with their strongest story, the watch."""
    yield f"Week {report.week}, {days(report.start, report.end)}"
    yield from _wrapped(report.headline, "  ")
    yield ""
    width = max(len(row.title) for row in report.drivers if row.core)
    for row in report.drivers:
        if row.core:
            yield from _driver_lines(row, width)
    yield ""
    yield "  What to watch"
    for state in report.watch:
        told = f"{state.title}: {state.state.replace('_', ' ')}. {state.sentence}"
        yield from _wrapped(told, "  - ")


def _driver_lines(row: DriverWeek, width: int) -> Iterator[str]:
    reading = row.reading
    yield (
        f"  {row.title:<{width}}  pressure {signed(reading.pressure)}"
        f" (90% {band(reading.lower, reading.upper)}), {side(reading)},"
        f" {count(reading.tagged, 'story', 'stories')}"
    )
    for story in row.stories[:1]:
        told = f"{plain(story.title)} ({story.source}, {day(story.published_at)})"
        yield from _wrapped(told, f"  {'':<{width}}  ")


def _wrapped(text: str, begin: str) -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
        break_long_words=False,
    )
