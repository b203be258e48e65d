"""Articles from files: which columns mean what, and what makes a row unusable.

Columns read: ``title``, ``text`` (one of both must hold something), ``summary``, ``url``,
``source``, ``published_at``, ``language``, ``author``, ``id`` (kept as ``external_id``),
``first_seen_at`` and ``ts_precision``; others are passed over.

- ``published_at`` without a clock time, or with ``ts_precision`` "day", is day-only.
- A row without ``source`` takes the host of its URL, else ``unknown``.
- A row without ``url`` gets a stable one (``urn:undertow:...``) from its source and id, or, when it
  has no id, from source, time and title (or text), so that importing it again finds it again.
- A row of a store's own export (it has ``content_hash`` and ``story_id``) comes back as the
  :class:`Article` that it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from corpus.dates import parse_date
from corpus.errors import InputError, RowError
from corpus.files.rows import Row, RowProblem, expand, require_columns, rows
from corpus.identity import article_id, canonical_url, content_hash, host_of
from corpus.records import Article, FoundArticle

_ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|[-_])")


def read_articles(
    paths: Iterable[Path | str], problems: Callable[[RowProblem], None]
) -> Iterator[FoundArticle | Article]:
    """Articles of JSONL, CSV and Parquet files (or folders of them), streamed in order.

    ``problems`` is told of each row that cannot be used. All files are checked before the first
    article comes. Raises :class:`InputError` or :class:`UsageError` when a file cannot be read.
    """
    files = expand(paths)
    for path in files:
        require_columns(path, ("title", "text"))
    return _articles(files, problems)


def _articles(
    files: Iterable[Path], problems: Callable[[RowProblem], None]
) -> Iterator[FoundArticle | Article]:
    for path in files:
        for row in rows(path):
            if isinstance(row, RowProblem):
                problems(row)
                continue
            try:
                yield article_of(row)
            except RowError as problem:
                problems(
                    RowProblem(
                        path=str(path), number=row.number, line=row.line, reason=problem.message
                    )
                )


def article_of(row: Row) -> FoundArticle | Article:
    """The article in a row; raises :class:`RowError` saying what is wrong with it."""
    values = row.values
    if values.get("content_hash") and values.get("story_id"):
        return _exported(values)
    title, text = _text(values, "title"), _text(values, "text")
    if not title and not text:
        raise RowError("neither title nor text")
    published_at, day_only = _time(values, "published_at")
    if published_at is not None and (day_only or _text(values, "ts_precision") == "day"):
        published_at = published_at.replace(hour=0, minute=0, second=0, microsecond=0)
        day_only = True
    first_seen_at, _ = _time(values, "first_seen_at")
    external_id = _identifier(values)
    url = _url(values)
    named = _text(values, "source") or (host_of(url) if url else None)
    source = named or "unknown"
    if url is None:
        # An id tells rows apart only within its outlet: files without outlets all count from 1.
        known_by = external_id if named else None
        url = _standing_url(source, known_by, published_at, title or text or "")
    return FoundArticle(
        url=url,
        title=title or "",
        text=text,
        summary=_text(values, "summary"),
        source=source,
        author=_text(values, "author"),
        language=_language(values),
        published_at=published_at,
        day_only=day_only,
        external_id=external_id,
        first_seen_at=first_seen_at,
    )


def _exported(values: Mapping[str, Any]) -> Article:
    given = {name: values.get(name) for name in Article.model_fields}
    for name in ("text", "summary", "author", "language", "external_id"):
        # CSV cannot tell an empty text from none.
        given[name] = given[name] or None
    for name in ("published_at", "published_claimed", "first_seen_at", "updated_at"):
        given[name], _ = _time(values, name)
    try:
        article = Article.model_validate(given)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise RowError(f"damaged export, field {field}: {first['msg']}") from None
    if article.id != article_id(article.url):
        raise RowError("damaged export: id and url do not fit each other")
    if article.content_hash != content_hash(article.title, article.text):
        raise RowError("damaged export: content_hash does not fit title and text")
    return article


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RowError(f"{name} is {_shown(value)}, not text")
    return value.replace("\0", "").strip() or None


def _identifier(values: Mapping[str, Any]) -> str | None:
    value = values.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(values, "id")


def _url(values: Mapping[str, Any]) -> str | None:
    url = _text(values, "url")
    if url is None:
        return None
    try:
        return canonical_url(url)
    except InputError as problem:
        raise RowError(problem.message) from None


def _language(values: Mapping[str, Any]) -> str | None:
    value = _text(values, "language")
    if value is None:
        return None
    match = _LANGUAGE.match(value.lower())
    if match is None:
        raise RowError(f"language {_shown(value)} is not a code such as 'en'")
    return match[0]


def _time(values: Mapping[str, Any], name: str) -> tuple[datetime | None, bool]:
    """The time in a column, and whether only its day was told."""
    value = values.get(name)
    if value is None or value == "":
        return None, False
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)), False
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC), True
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RowError(f"{name} is {_shown(value)}, not a time")
    if _ISO_INSTANT.fullmatch(value):
        try:
            instant = datetime.fromisoformat(value)
            aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
            return aware.astimezone(UTC), False
        except (ValueError, OverflowError):
            raise RowError(f"{name} {_shown(value)} is not a time") from None
    parsed = parse_date(value)
    if parsed is None:
        raise RowError(f"{name} {_shown(value)} is not a time")
    return parsed.time, parsed.day_only


def _standing_url(
    source: str, external_id: str | None, published_at: datetime | None, words: str
) -> str:
    told = published_at.isoformat() if published_at else ""
    parts = ("id", source, external_id) if external_id else ("row", source, told, words)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"urn:undertow:{digest[:32]}"


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
