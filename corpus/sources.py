"""The list of outlets to crawl, as TOML; ``corpus.opml`` trades it with feed readers.

A list with errors is refused whole, with file, line and field of every error, because a crawl that
silently leaves an outlet out is worse than one that does not start.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from importlib.resources import files
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError, field_validator

from corpus.errors import SourceListError
from corpus.records import Record


class SourceKind(StrEnum):
    """What the address of a source serves."""

    FEED = "feed"  # RSS, Atom or JSON Feed
    NEWS_SITEMAP = "news_sitemap"  # a sitemap or an index of some, for back-fill


class Source(Record):
    """An outlet to crawl. ``terms`` says on what ground it is read; ``language`` is ISO 639-1.

    ``outlet`` is the outlet's name for its articles, where it is listed more than once (a feed and
    a sitemap); elsewhere ``name`` is.
    """

    name: str
    url: str
    outlet: str | None = None
    language: str | None = None
    terms: str = ""
    kind: SourceKind = SourceKind.FEED

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value.strip()

    @field_validator("url")
    @classmethod
    def _fetchable(cls, value: str) -> str:
        try:
            parts = urlsplit(value.strip())
            usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be an http or https address")
        return value.strip()

    @field_validator("language")
    @classmethod
    def _two_letters(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[a-z]{2}", value):
            raise ValueError("must be a two-letter language code (ISO 639-1), such as en")
        return value


def load_sources(path: Path | None = None) -> tuple[Source, ...]:
    """The sources of a TOML or OPML file (by its content), or the project's own list.

    Raises SourceListError when the file cannot be read, is empty, or has any error; the message
    names file, line and field of each.
    """
    if path is None:
        bundled = files("corpus") / "sources.toml"
        return _from_toml(bundled.read_text(encoding="utf-8"), "corpus/sources.toml")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceListError(
            f"cannot read the source list {path}: {reason}",
            remedy="give a TOML file like corpus/sources.toml, or an OPML file",
        ) from error
    if text.lstrip().startswith("<"):
        from corpus.opml import read_opml  # noqa: PLC0415 - XML readers only when asked for

        entries = read_opml(text, str(path))
        return _checked(str(path), entries, lambda start, _field: start, [])
    return _from_toml(text, str(path))


def sitemap_source(url: str, sources: Sequence[Source]) -> Source:
    """A source for the sitemap at ``url``, whose articles belong to the outlet of the same site.

    That is the outlet of ``sources`` with an address on the same host, else the host itself. Raises
    SourceListError when ``url`` is no web address.
    """
    host = _site(url)
    if not host:
        raise SourceListError(
            f"{url!r} is not an http or https address",
            remedy="give the address of a sitemap, such as https://example.org/sitemap.xml",
        )
    same = next((source for source in sources if _site(source.url) == host), None)
    return Source(
        name=f"Sitemap {url}",
        url=url,
        outlet=(same.outlet or same.name) if same else host,
        language=same.language if same else None,
        terms=same.terms if same else "",
        kind=SourceKind.NEWS_SITEMAP,
    )


def not_listed(sources: Sequence[Source], known: Sequence[Source]) -> tuple[Source, ...]:
    """Those of ``sources`` whose address ``known`` does not have, under names that are free.

    A name that is taken gets the host of the source behind it, and a number where that is not
    enough.
    """
    addresses = {source.url for source in known}
    names = {source.name.casefold() for source in known}
    new: list[Source] = []
    for source in sources:
        if source.url in addresses:
            continue
        choices = chain(
            (source.name, f"{source.name} ({_site(source.url)})"),
            (f"{source.name} ({_site(source.url)}, {number})" for number in count(2)),
        )
        name = next(choice for choice in choices if choice.casefold() not in names)
        addresses.add(source.url)
        names.add(name.casefold())
        new.append(source.model_copy(update={"name": name}))
    return tuple(new)


def dump_toml(sources: Sequence[Source]) -> str:
    """The list as TOML tables, which :func:`load_sources` reads back unchanged."""
    tables = []
    for source in sources:
        fields = source.model_dump(mode="json", exclude_defaults=True)
        # A TOML basic string escapes what a JSON string does, and DEL besides.
        lines = [
            f"{field} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
            for field, value in fields.items()
        ]
        tables.append("\n".join(["[[source]]", *lines]) + "\n")
    return "\n".join(tables)


def _site(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if parts.scheme.lower() in {"http", "https"} else ""


def _from_toml(text: str, name: str) -> tuple[Source, ...]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refused(name, [f"not valid TOML: {error}"]) from error
    problems = [
        f"line {_line_of_key(text, key)}, {key}: unknown; each source is a [[source]] table"
        for key in document
        if key != "source"
    ]
    tables = document.get("source", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise refused(name, ["source: must be written as [[source]] tables"])
    starts = _table_lines(text)
    entries = [
        # A list in inline form has no [[source]] lines; its errors then point at its only line.
        (table, starts[number] if number < len(starts) else _line_of_key(text, "source"))
        for number, table in enumerate(tables)
    ]
    lines = text.splitlines()

    def line_of(start: int, field: str) -> int:
        for offset, line in enumerate(lines[start:], start=start + 1):
            if line.lstrip().startswith("["):
                break
            if re.match(rf"\s*[\"']?{re.escape(field)}[\"']?\s*=", line):
                return offset
        return start

    return _checked(name, entries, line_of, problems)


def _checked(
    name: str,
    entries: list[tuple[dict[str, Any], int]],
    line_of: Callable[[int, str], int],
    problems: list[str],
) -> tuple[Source, ...]:
    sources: list[Source] = []
    names: dict[str, int] = {}
    for fields, start in entries:
        try:
            source = Source.model_validate(fields)
        except ValidationError as error:
            problems.extend(_field_problems(error, start, line_of))
            continue
        line = line_of(start, "name")
        first = names.setdefault(source.name.casefold(), line)
        if first != line:
            problems.append(
                f"line {line}, name: {source.name!r} is already the name of line {first}"
            )
        sources.append(source)
    if not problems and not sources:
        problems.append("it lists no source")
    if problems:
        raise refused(name, problems)
    return tuple(sources)


def _field_problems(
    error: ValidationError, start: int, line_of: Callable[[int, str], int]
) -> Iterator[str]:
    wording = {
        "missing": "is missing",
        "extra_forbidden": "unknown; known are " + ", ".join(Source.model_fields),
        "enum": "must be " + " or ".join(kind.value for kind in SourceKind),
        "string_type": "must be a string",
    }
    for detail in error.errors():
        field = str(detail["loc"][0])
        words = wording.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        yield f"line {line_of(start, field)}, {field}: {words}"


def _table_lines(text: str) -> list[int]:
    return [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"\s*\[\[\s*[\"']?source[\"']?\s*\]\]", line)
    ]


def _line_of_key(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=\]]", line):
            return number
    return 1


def refused(name: str, problems: list[str]) -> SourceListError:
    """The error that refuses the list ``name`` for all its problems."""
    return SourceListError(
        f"{name}: " + "; ".join(problems),
        remedy="correct the list; corpus/sources.toml shows the form",
    )
