"""The sample site as files: every path with its bytes, made from the archive by templates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from corpus.sample.archive import Archive, Outlet, SampleArticle

RELATED = 5
ROBOTS = "User-agent: *\nDisallow: /search\nAllow: /\n"


@dataclass(frozen=True)
class Page:
    """What one path serves; ``last_modified`` is aware UTC."""

    body: bytes
    content_type: str
    last_modified: datetime

    @property
    def etag(self) -> str:
        """A strong validator: the same bytes have the same one."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def render_site(archive: Archive, base_url: str) -> Mapping[str, Page]:
    """Every page by its path: front page, robots.txt, and each outlet's index, feed and articles.

    ``base_url`` (no slash at its end) begins every link, since feeds and pages name full addresses.
    """
    templates = Environment(
        loader=PackageLoader("corpus.sample"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(template: str, content_type: str, modified: datetime, **values: Any) -> Page:
        text = templates.get_template(template).render(base_url=base_url, **values)
        return Page(text.encode(), f"{content_type}; charset=utf-8", modified)

    newest = max(article.changed_at for article in archive.articles)
    site = {
        "/": page("front.html", "text/html", newest, outlets=archive.outlets),
        "/robots.txt": Page(ROBOTS.encode(), "text/plain; charset=utf-8", newest),
    }
    for outlet in archive.outlets:
        articles = archive.of(outlet)
        if not articles:
            continue
        entries = [_entry(archive, outlet, article, base_url) for article in articles]
        changed = max(article.changed_at for article in articles)
        local = changed.astimezone(outlet.clock)
        site[f"/{outlet.slug}/"] = page(
            "index.html", "text/html", changed, outlet=outlet, entries=entries
        )
        site[outlet.feed_path] = page(
            f"{outlet.feed}.xml",
            f"application/{outlet.feed}+xml",
            changed,
            outlet=outlet,
            entries=entries,
            built=format_datetime(local),
            built_iso=local.isoformat(),
        )
        for number, article in enumerate(articles):
            site[archive.path(article)] = page(
                f"{outlet.layout}.html",
                "text/html",
                article.changed_at,
                outlet=outlet,
                article=article,
                related=_related(entries, number),
                linked_data=_linked_data(outlet, entries[number]),
                **entries[number],
            )
    return site


def _entry(
    archive: Archive, outlet: Outlet, article: SampleArticle, base_url: str
) -> dict[str, Any]:
    """What templates need of an article, times on the outlet's own clock."""
    published = article.published_at.astimezone(outlet.clock)
    changed = article.changed_at.astimezone(outlet.clock)
    return {
        "title": article.title,
        "summary": article.summary,
        "author": article.author,
        "language": article.language,
        "url": base_url + archive.path(article),
        "published": published.isoformat(),
        "changed": changed.isoformat(),
        "mailed": format_datetime(published),
        "shown": f"{published.day} {published:%B %Y, %H:%M}",
        "shown_changed": f"{changed.day} {changed:%B %Y, %H:%M}",
        "body_html": _body_html(article),
    }


def _body_html(article: SampleArticle) -> str:
    """The body as a feed carries it: HTML, to be escaped once more by the feed's template."""
    template = Environment(autoescape=True).from_string(
        "{% for paragraph in paragraphs %}<p>{{ paragraph }}</p>\n{% endfor %}"
    )
    return template.render(paragraphs=article.paragraphs)


def _related(entries: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The stories published just before, else the newest ones: other words beside the article."""
    before = entries[number + 1 : number + 1 + RELATED]
    return before or [entry for entry in entries[:RELATED] if entry is not entries[number]]


def _linked_data(outlet: Outlet, entry: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": entry["title"],
        "datePublished": entry["published"],
        "dateModified": entry["changed"],
        "mainEntityOfPage": entry["url"],
        "publisher": {"@type": "Organization", "name": outlet.name},
    }
    if entry["author"]:
        data["author"] = {"@type": "Person", "name": entry["author"]}
    return data
