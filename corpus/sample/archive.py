"""The sample's outlets and articles, read from its TOML files and checked."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from corpus.errors import InputError
from corpus.records import Record, UtcDatetime

Kind = TypeVar("Kind", bound=Record)

_FOLDER = Path(__file__).parent


class Outlet(Record):
    """An invented outlet, and what its feed and pages look like."""

    slug: str
    name: str
    description: str
    feed: Literal["rss", "atom"]
    body_in: Literal["description", "content", "none"]
    layout: Literal["broadsheet", "weblog", "plain"]
    utc_offset_hours: int

    @property
    def feed_path(self) -> str:
        """Path of its feed on the site."""
        return f"/{self.slug}/feed.xml"

    @property
    def clock(self) -> timezone:
        """The offset from UTC that its times are written in."""
        return timezone(timedelta(hours=self.utc_offset_hours))


class SampleArticle(Record):
    """One article; ``outlet`` is the outlet's name, ``copy_of`` the slug that it was taken from."""

    slug: str
    outlet: str
    published_at: UtcDatetime
    updated_at: UtcDatetime | None = None
    author: str | None = None
    language: str
    title: str
    summary: str
    copy_of: str | None = None
    body: str

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The body's paragraphs, white space folded."""
        return tuple(" ".join(part.split()) for part in self.body.split("\n\n") if part.strip())

    @property
    def changed_at(self) -> datetime:
        """When it last changed (UTC)."""
        return self.updated_at or self.published_at


class Archive(Record):
    """Every outlet and article of the sample, articles in order of time."""

    outlets: tuple[Outlet, ...]
    articles: tuple[SampleArticle, ...]

    def outlet(self, name: str) -> Outlet:
        """The outlet of that name."""
        return next(outlet for outlet in self.outlets if outlet.name == name)

    def of(self, outlet: Outlet) -> tuple[SampleArticle, ...]:
        """The outlet's articles, the newest first as feeds have them."""
        return tuple(one for one in reversed(self.articles) if one.outlet == outlet.name)

    def path(self, article: SampleArticle) -> str:
        """Path of the article's page on the site."""
        return (
            f"/{self.outlet(article.outlet).slug}/{article.published_at:%Y/%m}/{article.slug}.html"
        )


def sample_prices_path() -> Path:
    """The bundled price file (``docs/contracts.md``): BTC and ETH daily closes in USD.

    Closes of 25 August to 10 December 2025, each stamped with 00:00 UTC of the next day, when its
    bar closed.
    """
    return _FOLDER / "prices.csv"


def load_archive(folder: Path = _FOLDER) -> Archive:
    """The sample in ``folder``: ``outlets.toml`` and ``articles/*.toml``.

    Raises :class:`InputError`, with the file and the article concerned, for what does not hold
    together: an unknown outlet, a slug used twice by an outlet, a copy of nothing.
    """
    outlets = tuple(_records(folder / "outlets.toml", "outlet", Outlet))
    articles: list[SampleArticle] = []
    for path in sorted((folder / "articles").glob("*.toml")):
        articles.extend(_records(path, "article", SampleArticle))
    articles.sort(key=lambda one: (one.published_at, one.outlet, one.slug))
    if not articles:
        raise InputError("the sample has no articles", remedy="install Undertow again")
    _check(outlets, articles)
    return Archive(outlets=outlets, articles=tuple(articles))


def _records(path: Path, table: str, kind: type[Kind]) -> list[Kind]:
    try:
        given: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))[table]
        return [kind.model_validate(values) for values in given]
    except (OSError, KeyError, tomllib.TOMLDecodeError, ValidationError) as problem:
        reason = " ".join(str(problem).split())
        raise InputError(
            f"the sample file {path.name} cannot be read: {reason}",
            remedy="repair the file or install Undertow again",
        ) from problem


def _check(outlets: tuple[Outlet, ...], articles: list[SampleArticle]) -> None:
    names = {outlet.name for outlet in outlets}
    slugs = {article.slug for article in articles}
    seen: set[tuple[str, str]] = set()
    for article in articles:
        place = (article.outlet, article.slug)
        if article.outlet not in names:
            problem = f"names the unknown outlet {article.outlet!r}"
        elif place in seen:
            problem = f"appears twice at {article.outlet}"
        elif article.copy_of is not None and article.copy_of not in slugs:
            problem = f"is a copy of {article.copy_of!r}, which is not there"
        elif article.changed_at < article.published_at:
            problem = "was updated before it was published"
        elif not article.paragraphs:
            problem = "has no body"
        else:
            seen.add(place)
            continue
        raise InputError(
            f"the sample article {article.slug!r} {problem}", remedy="repair its entry"
        )
