"""When a page says that it was published.

Sources in order of trust: JSON-LD, meta elements, marked-up times, then whatever day htmldate
finds. The first that states a time decides the day; where it states a day only, a later one that
states a clock time on that day or a neighbouring one (another zone) completes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from lxml.html import HtmlElement

from corpus.dates import ParsedDate, parse_date

ARTICLE_TYPES = frozenset(
    {
        "AnalysisNewsArticle",
        "Article",
        "BackgroundNewsArticle",
        "BlogPosting",
        "LiveBlogPosting",
        "NewsArticle",
        "OpinionNewsArticle",
        "Report",
        "ReportageNewsArticle",
        "ReviewNewsArticle",
    }
)
_META_NAMES = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "article.published",
    "parsely-pub-date",
    "sailthru.date",
    "cxenseparse:recs:publishtime",
    "published_time_telegram",
    "publish_date",
    "publish-date",
    "publishdate",
    "pubdate",
    "article_date_original",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "dcterms.date",
    "date",
)
_MOST_NODES = 5000


def published_on_page(tree: HtmlElement, json_ld: list[dict[str, Any]]) -> ParsedDate | None:
    """The publication time that the page states, or None."""
    first: ParsedDate | None = None
    for stated in (*_in_json_ld(json_ld), *_in_meta(tree), *_in_times(tree)):
        parsed = parse_date(stated)
        if parsed is None:
            continue
        if first is None:
            first = parsed
        if not parsed.day_only and abs(parsed.time.date() - first.time.date()) <= timedelta(days=1):
            return parsed
    return first or _found_by_htmldate(tree)


def json_ld_objects(tree: HtmlElement) -> list[dict[str, Any]]:
    """Every object of the JSON-LD, nested ones too, breadth first; broken ones are left out."""
    queue: list[Any] = []
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        text = re.sub(r"^\s*(?:<!--|//<!\[CDATA\[)|(?:-->|//\]\]>)\s*$", "", script.text or "")
        try:
            queue.append(json.loads(text, strict=False))
        except (ValueError, RecursionError):
            continue
    objects: list[dict[str, Any]] = []
    position = 0
    while position < len(queue) and position < _MOST_NODES:
        node = queue[position]
        position += 1
        if isinstance(node, dict):
            objects.append(node)
            queue.extend(value for value in node.values() if isinstance(value, dict | list))
        elif isinstance(node, list):
            queue.extend(value for value in node if isinstance(value, dict | list))
    return objects


def types_of(node: dict[str, Any]) -> set[str]:
    """The types of a JSON-LD object, without the vocabulary's address."""
    stated = node.get("@type")
    names = stated if isinstance(stated, list) else [stated]
    return {str(name).rpartition("/")[2] for name in names if name}


def _in_json_ld(objects: list[dict[str, Any]]) -> Iterator[str]:
    # The article's own statement before those of pages, images and related pieces.
    for node in sorted(objects, key=lambda node: not types_of(node) & ARTICLE_TYPES):
        if isinstance(stated := node.get("datePublished"), str):
            yield stated


def _in_meta(tree: HtmlElement) -> Iterator[str]:
    stated: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if content := element.get("content"):
            stated.setdefault(name.strip().lower(), content)
    yield from (stated[name] for name in _META_NAMES if name in stated)
    for element in tree.iterfind(".//*[@itemprop='datePublished']"):
        if value := element.get("datetime") or element.get("content") or element.text:
            yield value


def _in_times(tree: HtmlElement) -> Iterator[str]:
    for path in (".//article//time[@datetime]", ".//header//time[@datetime]"):
        element = tree.find(path)
        if element is not None:
            yield element.get("datetime")


def _found_by_htmldate(tree: HtmlElement) -> ParsedDate | None:
    from htmldate import find_date  # noqa: PLC0415 - slow to load; only page workers need it

    found = find_date(tree, original_date=True, outputformat="%Y-%m-%d")
    return parse_date(found) if found else None
