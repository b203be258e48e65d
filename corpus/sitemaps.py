"""Sitemaps: what an outlet tells search engines about its pages, for back-fill.

The format is that of sitemaps.org, as XML or gzip of it. Google's news extension adds title, time
and language; without it a page's own headline and time count. Of an index the members are given.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from corpus.dates import parse_date
from corpus.decoding import decode_body
from corpus.errors import FetchError
from corpus.feeds import Entry, Feed, Member, read_each
from corpus.markup import clean_line

_MOST_BYTES = 50 * 1024 * 1024  # the format's own limit, uncompressed
_MOST_MEMBERS = 50_000  # likewise
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def parse_news_sitemap(
    data: bytes, *, url: str, source: str, content_type: str = "", language: str | None = None
) -> Feed:
    """Read a sitemap or an index of sitemaps fetched from ``url``; its type is told by its bytes.

    ``language`` is what to assume where an entry states none. Raises FetchError when ``data`` is
    no sitemap.
    """
    del content_type
    if data.startswith(b"\x1f\x8b"):
        data = decode_body(data, "gzip", _MOST_BYTES)
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise FetchError("its XML has a document type or entities, which is refused") from error
    except (ParseError, ValueError, LookupError) as error:
        raise FetchError(
            "it is not a sitemap (it is not well-formed XML)",
            remedy="give the address of a news sitemap",
        ) from error
    kind = _name(root)
    if kind == "sitemapindex":
        return Feed(
            title=source, language=language, entries=(), listed=0, members=_members(root, url)
        )
    if kind != "urlset":
        raise FetchError(
            f"it is not a sitemap (its root is {kind[:30]!r})",
            remedy="give the address of a news sitemap",
        )
    pages = [element for element in root if _name(element) == "url"]
    # Beside pieces of news, pages without the extension are no news (imprint, topics).
    news_only = any(_name(inner) == "news" for page in pages for inner in page)

    def read(page: Element) -> Entry:
        # An image of the page may have a title too, in an extension of its own.
        said = {_name(element): _text(element) for element in page}
        in_news = False
        for news in page:
            if _name(news) == "news":
                in_news = True
                said |= {_name(element): _text(element) for element in news.iter()}
        if not said.get("loc"):
            raise ValueError("it has no address")
        if news_only and not (in_news and said.get("title")):
            raise ValueError("it has no title in the news extension")
        published = parse_date(said.get("publication_date", ""))
        spoken = said.get("language", "")[:2].lower()
        return Entry(
            url=urljoin(url, said["loc"]),
            title=clean_line(said.get("title", "")) if in_news else "",
            source=source,
            language=spoken or language,
            published_at=published.time if published else None,
            day_only=published.day_only if published else False,
            changed_at=_time(said.get("lastmod", "")),
        )

    entries, problems = read_each(pages, read)
    return Feed(
        title=source, language=language, entries=entries, listed=len(pages), problems=problems
    )


def _members(root: Element, url: str) -> tuple[Member, ...]:
    members = [
        Member(url=urljoin(url, said["loc"]), changed_at=_time(said.get("lastmod", "")))
        for said in (
            {_name(element): _text(element) for element in member}
            for member in list(root)[:_MOST_MEMBERS]
            if _name(member) == "sitemap"
        )
        if said.get("loc")
    ]
    # Newest first; the sort is stable, so that those without a time stay in the outlet's order.
    return tuple(sorted(members, key=lambda one: one.changed_at or _NEVER, reverse=True))


def _time(stated: str) -> datetime | None:
    parsed = parse_date(stated)
    return parsed.time if parsed else None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    return (element.text or "").strip()
