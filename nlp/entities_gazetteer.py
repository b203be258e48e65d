"""The gazetteer: assets and institutions by name and ticker, read once from ``gazetteer.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from corpus.records import Record

EntityType = Literal["asset", "fund", "company", "central_bank", "agency", "exchange"]


class Entry(Record):
    """One asset or institution; the head of ``gazetteer.toml`` says what the fields mean."""

    id: str
    type: EntityType
    names: tuple[str, ...]
    tickers: tuple[str, ...]
    exact: bool = False
    common: bool = False
    clues: tuple[str, ...] = ()
    ambiguous_name: str | None = None
    asset: str | None = None
    treasury: bool = False


@cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the file."""
    table = tomllib.loads(files("nlp").joinpath("gazetteer.toml").read_text(encoding="utf-8"))
    return tuple(Entry(**row) for row in table["entity"])


@cache
def assets_by_word() -> dict[str, str]:
    """Id of an asset by a single word: its tickers as written, its names in lower case."""
    found: dict[str, str] = {}
    for entry in entries():
        if entry.type == "asset":
            for ticker in entry.tickers:
                found[ticker] = entry.id
            if not entry.common or len(entry.names) == 1:
                for name in entry.names:
                    if " " not in name:
                        found[name.lower()] = entry.id
    return found


@cache
def asset_of_fund() -> dict[str, str]:
    """Asset that a fund holds, by the fund's ticker."""
    return {
        ticker: entry.asset
        for entry in entries()
        if entry.type == "fund" and entry.asset
        for ticker in entry.tickers
    }


@cache
def companies_by_word() -> dict[str, str]:
    """Id of a company by its id, names and tickers, all in small letters."""
    return {
        word.lower(): entry.id
        for entry in entries()
        if entry.type == "company"
        for word in (entry.id, *entry.names, *entry.tickers, entry.ambiguous_name)
        if word
    }
