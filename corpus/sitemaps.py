"""News sitemaps: what an outlet tells search engines about its latest pieces, for back-fill.

The format is that of sitemaps.org with Google's news extension, which adds title, time, language.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from corpus.dates import parse_date
from corpus.errors import FetchError
from corpus.feeds import Feed, read_each
from corpus.markup import clean_line
from corpus.records import FoundArticle


def parse_news_sitemap(
    data: bytes, *, url: str, source: str, content_type: str = "", language: str | None = None
) -> Feed:
    """Read a news sitemap fetched from ``url``; ``content_type`` is not needed.

    ``language`` is what to assume where an entry states none. Raises FetchError when ``data`` is
    not a news sitemap, or is an index of sitemaps, whose members are to be listed instead.
    """
    del content_type
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
        members = [_text(element) for element in root.iter() if _name(element) == "loc"][:3]
        raise FetchError(
            "it is an index of sitemaps",
            remedy="list a sitemap of it as the source, such as " + ", ".join(members),
        )
    if kind != "urlset":
        raise FetchError(
            f"it is not a sitemap (its root is {kind[:30]!r})",
            remedy="give the address of a news sitemap",
        )
    pages = [element for element in root if _name(element) == "url"]

    def read(page: Element) -> FoundArticle:
        # An image of the page may have a title too, in an extension of its own.
        said = {_name(element): _text(element) for element in page}
        for news in page:
            if _name(news) == "news":
                said |= {_name(element): _text(element) for element in news.iter()}
        if not said.get("title") or not said.get("loc"):
            raise ValueError("it has no address, or no title in the news extension")
        published = parse_date(said.get("publication_date") or said.get("lastmod") or "")
        spoken = said.get("language", "")[:2].lower()
        return FoundArticle(
            url=said["loc"],
            title=clean_line(said["title"]),
            source=source,
            language=spoken or language,
            published_at=published.time if published else None,
            day_only=published.day_only if published else False,
        )

    entries, problems = read_each(pages, read)
    return Feed(
        title=source, language=language, entries=entries, listed=len(pages), problems=problems
    )


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    return (element.text or "").strip()
