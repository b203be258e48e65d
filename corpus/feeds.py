"""Feeds read: RSS 0.9x to 2.0 and Atom through feedparser, JSON Feed by a reader of its own.

An entry that cannot be used is reported and never costs the others. XML that declares entities
which nest or lie outside the document is refused before any parser sees it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

from corpus.dates import ParsedDate, parse_date
from corpus.errors import FetchError
from corpus.markup import clean_line, plain_text
from corpus.records import FoundArticle, Record, UtcDatetime
from corpus.xml_safety import refuse_unsafe_entities

_TITLE_LENGTH = 120
# A body this long that does not break off is the article; shorter ones are teasers.
_BODY_LENGTH = 250
_DESCRIPTION_AS_BODY_LENGTH = 1000

_PROMOTION = re.compile(
    r"\s*(?:The post\b.{0,400}?\bappeared first on\b.{0,200}|This (?:article|story|post) .{0,200}?"
    r"\bappeared first on\b.{0,200})$",
    re.DOTALL,
)
_BREAKS_OFF = re.compile(
    r"(?:\[\s*(?:…|\.\.\.)\s*\]|…|\.\.\.|\b(?:read more|read the full (?:story|article)[^.]{0,60}|"
    r"continue reading[^.]{0,120}|weiterlesen|lire la suite|seguir leyendo|leer más))"
    r"\s*[»›→.]*\s*$",
    re.IGNORECASE,
)


class Entry(FoundArticle):
    """An article as a list gives it. ``guid`` is the identifier that the list has for it.

    ``title`` is empty where the list gives addresses only (a sitemap); then ``changed_at`` is when
    the page last changed, if that is stated.
    """

    guid: str | None = None
    changed_at: UtcDatetime | None = None


class Member(Record):
    """A list that another list names: a sitemap of a sitemap index."""

    url: str
    changed_at: UtcDatetime | None = None


class Feed(Record):
    """A feed as read. ``problems`` has a line for every entry that could not be used.

    ``listed`` counts the entries of the feed, usable or not; ``ttl_minutes`` and ``skip_hours``
    (UTC) are the feed's own wishes. ``members`` are the lists that an index names, newest first.
    """

    title: str
    language: str | None
    entries: tuple[Entry, ...]
    listed: int
    problems: tuple[str, ...] = ()
    ttl_minutes: int | None = None
    skip_hours: frozenset[int] = frozenset()
    members: tuple[Member, ...] = ()


def parse_feed(
    data: bytes,
    *,
    url: str,
    source: str,
    content_type: str = "",
    language: str | None = None,
) -> Feed:
    """Read a feed that was fetched from ``url`` for the outlet ``source``.

    ``language`` is what to assume where the feed states none. Raises FetchError when ``data`` is
    not a feed or is unsafe to read.
    """
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n\0")[:1]
    if start == b"{":
        return _json_feed(data, url, source, language)
    refuse_unsafe_entities(data, content_type)
    return _xml_feed(data, url, source, content_type, language)


def _xml_feed(data: bytes, url: str, source: str, content_type: str, language: str | None) -> Feed:
    import feedparser  # noqa: PLC0415 - slow to load; only crawls need it

    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    # From a file object: feedparser would take a string for an address and fetch it.
    parsed = feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not parsed.get("version") and not parsed.entries:
        raise FetchError(
            f"it is not a feed ({_what_it_is(data)})",
            remedy="give the address of an RSS, Atom or JSON feed",
        )
    channel = parsed.feed
    spoken = _language(channel.get("language")) or language

    def read(entry: Any) -> Entry:
        contents = [
            str(part.get("value") or "")
            for part in entry.get("content", ())
            if str(part.get("type", "text/html")).startswith(("text/", "application/xhtml"))
        ]
        return _article(
            link=_first_address(url, _links(entry), entry.get("id")),
            title=str(entry.get("title") or ""),
            body=max(contents, key=len, default=""),
            summary=str(entry.get("summary") or ""),
            author=str(entry.get("author") or ""),
            language=_language(entry.get("language")) or spoken,
            # As stated: feedparser's own get() answers "updated" with "published" and warns.
            dates=(dict.get(entry, name) for name in ("published", "updated", "created")),
            source=source,
            guid=str(entry.get("id") or ""),
        )

    entries, problems = read_each(parsed.entries, read)
    return Feed(
        title=clean_line(str(channel.get("title") or "")),
        language=spoken,
        entries=entries,
        listed=len(parsed.entries),
        problems=problems,
        ttl_minutes=_whole_number(channel.get("ttl")),
        skip_hours=_skip_hours(data),
    )


def _json_feed(data: bytes, url: str, source: str, language: str | None) -> Feed:
    try:
        document = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise FetchError("it is not a feed (JSON that cannot be read)") from error
    version = str(document.get("version", ""))
    items = document.get("items")
    if not re.match(r"https?://(?:www\.)?jsonfeed\.org/version/", version) or not isinstance(
        items, list
    ):
        raise FetchError(
            "it is not a feed (JSON, but not JSON Feed)",
            remedy="give the address of an RSS, Atom or JSON feed",
        )
    spoken = _language(document.get("language")) or language

    def read(item: Any) -> Entry:
        if not isinstance(item, dict):
            raise ValueError("it is not an object")
        authors = item.get("authors") or [item.get("author") or {}]
        names = [str(author.get("name") or "") for author in authors if isinstance(author, dict)]
        return _article(
            link=_first_address(url, (item.get("url"), item.get("external_url")), item.get("id")),
            title=str(item.get("title") or ""),
            body=str(item.get("content_html") or item.get("content_text") or ""),
            summary=str(item.get("summary") or ""),
            author=", ".join(name for name in names if name),
            language=_language(item.get("language")) or spoken,
            dates=[item.get("date_published"), item.get("date_modified")],
            source=source,
            guid=str(item.get("id") or ""),
        )

    entries, problems = read_each(items, read)
    return Feed(
        title=clean_line(str(document.get("title") or "")),
        language=spoken,
        entries=entries,
        listed=len(items),
        problems=problems,
    )


def read_each(
    items: Iterable[Any], read: Callable[[Any], Entry]
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """What ``read`` makes of each item, and a line for each of which it makes nothing."""
    entries: list[Entry] = []
    problems: list[str] = []
    for number, item in enumerate(items, start=1):
        try:
            entries.append(read(item))
        except (ValueError, TypeError, AttributeError, KeyError, LookupError) as error:
            reason = str(error) if type(error) is ValueError else "its fields have unusable values"
            problems.append(f"entry {number}: {reason}")
    return tuple(entries), tuple(problems)


def _article(
    *,
    link: str | None,
    title: str,
    body: str,
    summary: str,
    author: str,
    language: str | None,
    dates: Iterable[Any],
    source: str,
    guid: str,
) -> Entry:
    if link is None:
        raise ValueError("it has no http or https address")
    content, described = plain_text(body), plain_text(summary)
    text = _whole_body(content, _BODY_LENGTH) if content else None
    if text is None:
        text = _whole_body(described, _DESCRIPTION_AS_BODY_LENGTH)
    short = _PROMOTION.sub("", described or content)
    if text is not None and short == text:
        short = ""
    headline = clean_line(title) or _opening(short or text or "")
    if not headline:
        raise ValueError("it has neither title nor text")
    published = _first_date(dates)
    return Entry(
        url=link,
        title=headline,
        text=text,
        summary=short or None,
        source=source,
        author=clean_line(author) or None,
        language=language,
        published_at=published.time if published else None,
        day_only=published.day_only if published else False,
        guid=guid.strip() or None,
    )


def _whole_body(text: str, least: int) -> str | None:
    """``text`` without the feed's own advertisement, or None when it breaks off or is too short."""
    whole = _PROMOTION.sub("", text).strip()
    return whole if len(whole) >= least and not _BREAKS_OFF.search(whole) else None


def _opening(text: str) -> str:
    first = " ".join(text.split())
    if len(first) <= _TITLE_LENGTH:
        return first
    return first[:_TITLE_LENGTH].rsplit(" ", 1)[0] + "…"


def _first_date(dates: Iterable[Any]) -> ParsedDate | None:
    for stated in dates:
        if stated and (parsed := parse_date(str(stated))):
            return parsed
    return None


def _links(entry: Any) -> list[Any]:
    """Where an entry may state its page, best first; an enclosure is better than nothing."""
    links = entry.get("links", ())
    alternate = [link.get("href") for link in links if link.get("rel") in (None, "alternate")]
    others = [link.get("href") for link in links if link.get("rel") not in (None, "self")]
    return [entry.get("feedburner_origlink"), *alternate, entry.get("link"), *others]


def _first_address(base: str, links: Iterable[Any], identifier: Any) -> str | None:
    """The first usable link, which may be relative to ``base``, or the id if it is an address."""
    for link in links:
        if isinstance(link, str) and link.strip() and (address := _address(base, link.strip())):
            return address
    if isinstance(identifier, str) and re.match(r"\s*https?://", identifier, re.IGNORECASE):
        return _address(base, identifier.strip())
    return None


def _address(base: str, stated: str) -> str | None:
    try:
        address = urljoin(base, stated)
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        return None
    return address if usable else None


def _language(stated: Any) -> str | None:
    code = str(stated or "").strip()[:2].lower()
    rest = str(stated or "").strip()[2:3]
    return code if re.fullmatch(r"[a-z]{2}", code) and rest in {"", "-", "_"} else None


def _whole_number(stated: Any) -> int | None:
    text = str(stated or "").strip()
    return int(text) if text.isdecimal() and len(text) < 7 else None


def _skip_hours(data: bytes) -> frozenset[int]:
    block = re.search(rb"<skipHours>(.{0,2000}?)</skipHours>", data, re.DOTALL)
    if block is None:
        return frozenset()
    hours = {
        int(hour) % 24 for hour in re.findall(rb"<hour>\s*(\d{1,2})\s*</hour>", block.group(1))
    }
    return frozenset(hours) if len(hours) < 24 else frozenset()


def _what_it_is(data: bytes) -> str:
    head = data[:2000].lower()
    if not data.strip():
        return "the answer is empty"
    if b"<html" in head or b"<!doctype html" in head:
        return "an HTML page"
    return "an answer of another kind"
