"""Typed records of the tagger: an item goes in, a tag record comes out.

The tag record is one contract for the batch command, the HTTP endpoint and the store; its fields
are documented in ``docs/contracts.md`` and its version is :data:`TAG_SCHEMA`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from pydantic_core import from_json

from corpus.errors import InputError
from corpus.records import Record, UtcDatetime

TAG_SCHEMA = 2

Stance = Literal["bearish", "neutral", "bullish"]
STANCES: tuple[Stance, Stance, Stance] = ("bearish", "neutral", "bullish")
FieldName = Literal["title", "text"]
AmountKind = Literal[
    "net_flow", "buy", "sell", "hold", "raise", "liquidation", "open_interest", "rate"
]


class Item(Record):
    """One piece of news to tag; ``title`` or ``text`` must hold something.

    ``published_at`` resolves words like "on Thursday" in amounts; without it such periods stay
    null.
    """

    id: str
    title: str | None = None
    text: str | None = None
    published_at: UtcDatetime | None = None


class Span(Record):
    """Characters ``start`` to ``end`` (exclusive) of a field.

    ``text`` is exactly those characters.
    """

    field: FieldName
    start: int
    end: int
    text: str


class StanceProbabilities(Record):
    """Calibrated probabilities of the three stances; they sum to one."""

    bearish: float
    neutral: float
    bullish: float


class Sentiment(Record):
    """Overall sentiment of the item; ``score`` is P(bullish) - P(bearish), in [-1, 1]."""

    label: Stance
    score: float
    probabilities: StanceProbabilities


class DriverTag(Record):
    """A driver at or above its threshold, with its own stance and the sentences that carry it."""

    driver: str
    probability: float
    stance: Stance
    stance_score: float
    evidence: tuple[Span, ...]


Funds = Literal["all", "one", "untold"]
Length = Literal["day", "days", "week", "month", "longer", "cumulative", "untold"]


class FlowScope(Record):
    """For how many funds and how long a net flow stands.

    ``funds``: all funds of the asset, one (or some) of them, or not told. ``length``: for how long;
    ``days`` is a run of several days, ``cumulative`` a sum since launch or since some day.
    ``products``: whether the item tells of all crypto investment products, which are reported by
    the week, not of US funds alone.
    """

    funds: Funds
    length: Length
    products: bool


class Amount(Record):
    """Money, coins or basis points that the item states.

    ``value`` is signed (outflow, sale, long liquidation and rate cut negative); ``unit`` is USD,
    EUR, BTC, ETH, another ticker, ``%`` or ``bp``. ``period`` is an ISO day, month (``2025-11``) or
    interval (``2025-11-10/2025-11-14``) where told, else null. ``asset`` is the ticker of the coin
    spoken of (BTC for a bitcoin fund's flow), ``all`` for crypto as a whole, null where not told.
    ``scope`` is told of net flows alone. ``teaser`` is whether the amount stands in the title of
    another story that the text only links to.
    """

    kind: AmountKind
    driver: str
    value: float
    unit: str
    side: Literal["long", "short", "total"] | None
    period: str | None
    asset: str | None = None
    realised: bool
    scope: FlowScope | None = None
    teaser: bool = False
    field: FieldName
    start: int
    end: int
    text: str


class Entity(Record):
    """An asset or institution named in the item, by its id in the gazetteer."""

    id: str
    type: str
    field: FieldName
    start: int
    end: int


class TagRecord(Record):
    """All that the tagger says of one item.

    ``relevant`` is null for a language that the model does not read; nothing is tagged then.
    """

    id: str
    schema_version: Literal[2] = Field(default=2, alias="schema")
    model: str
    language: str | None
    relevant: bool | None
    sentiment: Sentiment | None
    drivers: tuple[DriverTag, ...]
    uncertain: tuple[str, ...]
    probabilities: dict[str, float]
    amounts: tuple[Amount, ...]
    entities: tuple[Entity, ...]

    def to_json(self) -> str:
        """The record as one line of JSON: the same text for the same record, everywhere."""
        return self.model_dump_json(by_alias=True)


class TagFailure(Record):
    """Stands in for the tag record of an item that cannot be tagged; ``error`` says why."""

    id: str
    schema_version: Literal[2] = Field(default=2, alias="schema")
    model: str
    error: str

    def to_json(self) -> str:
        """The failure as one line of JSON."""
        return self.model_dump_json(by_alias=True)


def stored_fields(line: str) -> dict[str, Any]:
    """The fields of a stored record or failure, not checked one by one.

    Raises :class:`InputError` for a record of another schema, which may lack what is asked of it.
    """
    fields: dict[str, Any] = from_json(line)
    if fields.get("schema") != TAG_SCHEMA:
        raise InputError(
            f"the tag record of article {fields.get('id')} has schema {fields.get('schema')}, not"
            f" {TAG_SCHEMA}",
            remedy="run `undertow tag --db` on the store, which tags such articles anew",
        )
    return fields
