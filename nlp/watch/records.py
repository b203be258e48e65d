"""Typed records of the watch list: a state, the figures and the reports that it rests on."""

from __future__ import annotations

from datetime import date
from typing import Literal

from corpus.records import Record, UtcDatetime
from nlp.records import Amount

State = Literal[
    "outflow_persisting",
    "outflow_slowing",
    "turned_to_inflow",
    "inflow_persisting",
    "inflow_slowing",
    "turned_to_outflow",
    "selling",
    "paused",
    "rebuilding",
    "clearing",
    "building",
    "flushed",
    "unclear",
]


class Figure(Record):
    """A number that a state rests on."""

    name: str
    value: float
    unit: str


class Evidence(Record):
    """A report behind a state: the article and the amount in it (with its place in the text)."""

    article_id: str
    title: str
    url: str
    source: str
    published_at: UtcDatetime
    amount: Amount


class WatchState(Record):
    """The answer to one question; ``since`` is the day from which it holds, where known."""

    variable: Literal["etf_flows", "treasury", "leverage"]
    title: str
    state: State
    since: date | None
    sentence: str
    figures: tuple[Figure, ...]
    evidence: tuple[Evidence, ...]
