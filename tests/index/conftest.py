"""A maker of tagged articles for the tests of index and watch list."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from corpus.records import Article, PublishedFlag
from nlp.records import Amount, DriverTag, Entity, FlowScope, Span, TagRecord
from nlp.taxonomy import drivers

MODEL = "undertow-drivers@test"
START = datetime(2025, 9, 1, tzinfo=UTC)  # a Monday


@dataclass(frozen=True)
class TaggedNews:
    article: Article
    record: str


def make(
    number: int,
    published_at: datetime,
    *,
    title: str = "A headline of our own",
    source: str = "Harbour Post",
    story: str | None = None,
    probabilities: Mapping[str, float] | None = None,
    stances: Mapping[str, float] | None = None,
    amounts: Sequence[Amount] = (),
    assets: Sequence[str] = (),
    seen_after: timedelta = timedelta(minutes=5),
    flag: PublishedFlag = PublishedFlag.EXACT,
    relevant: bool | None = True,
    model: str = MODEL,
) -> TaggedNews:
    """A tagged article; drivers in ``stances`` are at threshold with that stance score."""
    identity = hashlib.sha256(str(number).encode()).hexdigest()[:20]
    given = {driver.name: 0.0 for driver in drivers()} | dict(probabilities or {})
    stances = stances or {}
    seen = published_at + seen_after
    article = Article(
        id=identity,
        url=f"https://news.example/{number}",
        title=title,
        text=None,
        summary=None,
        source=source,
        author=None,
        language="en",
        published_at=published_at,
        published_claimed=published_at,
        published_flag=flag,
        first_seen_at=seen,
        updated_at=seen,
        content_hash=hashlib.sha256(title.encode()).hexdigest(),
        story_id=story or identity,
    )
    record = TagRecord(
        id=identity,
        model=model,
        language="en",
        relevant=relevant,
        sentiment=None,
        drivers=tuple(
            DriverTag(
                driver=name,
                probability=given[name],
                stance="bullish" if score > 0 else "bearish" if score < 0 else "neutral",
                stance_score=score,
                evidence=(Span(field="title", start=0, end=len(title), text=title),),
            )
            for name, score in stances.items()
        ),
        uncertain=(),
        probabilities=given,
        amounts=tuple(amounts),
        entities=tuple(
            Entity(id=name, type="asset", field="title", start=0, end=1) for name in assets
        ),
    )
    return TaggedNews(article, record.to_json())


def amount(kind: str, value: float, **more: Any) -> Amount:
    """An amount with the usual driver of its kind."""
    usual = {
        "net_flow": "etf_flows",
        "liquidation": "leverage",
        "open_interest": "leverage",
        "rate": "macro",
    }
    told = {
        "driver": usual.get(kind, "treasury"),
        "unit": "USD",
        "side": None,
        "period": None,
        "realised": True,
        "scope": _scope(more.get("period")) if kind == "net_flow" else None,
        "field": "title",
        "start": 0,
        "end": 1,
        "text": "A",
    }
    return Amount(kind=kind, value=value, **(told | more))  # type: ignore[arg-type]


def _scope(period: str | None) -> FlowScope:
    """Of all funds; a day, a month or, from one day to another, a week."""
    length = "untold"
    if period is not None:
        length = "week" if "/" in period else "day" if len(period) > len("2025-11") else "month"
    return FlowScope(funds="all", length=length, products=False)  # type: ignore[arg-type]


def random_news(days: int, *, a_day: int = 12, outlets: int = 5, seed: int = 1) -> list[TaggedNews]:
    """News of several outlets over ``days`` days: every driver at random, stance at random."""
    random = np.random.default_rng(seed)
    names = [driver.name for driver in drivers()]
    found = []
    for number in range(days * a_day):
        moment = START + timedelta(days=number // a_day, minutes=float(random.integers(0, 1439)))
        tagged = random.random(len(names)) < 0.4
        chance = np.where(tagged, random.uniform(0.6, 1, 7), random.uniform(0, 0.4, 7))
        found.append(
            make(
                number,
                moment,
                source=f"Outlet {random.integers(outlets)}",
                probabilities=dict(zip(names, chance.tolist(), strict=True)),
                stances={
                    name: float(random.uniform(-1, 1))
                    for name, one in zip(names, tagged, strict=True)
                    if one
                },
                assets=[asset for asset in ("BTC", "ETH") if random.random() < 0.6],
            )
        )
    return found


class News:
    """What the tests call."""

    start = START
    model = MODEL
    make = staticmethod(make)
    amount = staticmethod(amount)
    random = staticmethod(random_news)


@pytest.fixture(scope="session")
def news() -> type[News]:
    return News
