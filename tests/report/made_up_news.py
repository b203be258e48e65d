"""A store of made-up tagged news with a bearish week in November, and prices."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from corpus.records import Price
from corpus.store import Store
from nlp.study import load_plan
from service import report


def load_news() -> Any:
    """The maker of tagged articles of the index tests."""
    path = Path(__file__).parents[1] / "index" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tagged_news_for_reports", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.News


NEWS = load_news()
DAYS = 98  # 1 September to 7 December 2025
WEEK = "2025-W47"
WEEK_START = datetime(2025, 11, 17, tzinfo=UTC)
_BEARISH = {
    "etf_flows": ("net_flow", -870e6, "Funds lose $870 million in a day"),
    "treasury": ("sell", -120e6, "A holder sells coins for $120 million"),
    "leverage": ("liquidation", -2e9, "Longs of $2 billion are liquidated"),
    "macro": ("rate", 25, "Traders price out a cut of 25 bp"),
}


def bearish_week() -> list[Any]:
    """Twelve bearish stories a driver from four outlets, with an amount each."""
    found = []
    for number in range(48):
        driver = list(_BEARISH)[number % 4]
        kind, value, title = _BEARISH[driver]
        start = title.index(next(sign for sign in ("$", "25") if sign in title))
        amount = NEWS.amount(
            kind,
            value * (1 + number / 100) if kind != "rate" else value,
            unit="bp" if kind == "rate" else "USD",
            period="2025-11-18",
            start=start,
            end=start + 5,
            text=title[start : start + 5],
        )
        found.append(
            NEWS.make(
                10_000 + number,
                WEEK_START + timedelta(hours=3 * number + 1),
                title=title,
                source=f"Outlet {number // 4 % 4}",
                probabilities={driver: 0.97},
                stances={driver: -0.95},
                amounts=[amount],
                assets=["BTC"],
            )
        )
    return found


def usual_news() -> list[Any]:
    """News of five outlets over the whole span, with a quiet week at 20 October."""
    quiet = datetime(2025, 10, 20, tzinfo=UTC)
    return [
        item
        for item in NEWS.random(DAYS, a_day=8)
        if not quiet <= item.article.published_at < quiet + timedelta(weeks=1)
    ]


def prices() -> Iterator[Price]:
    """Daily closes of two assets, ten days before the news and on."""
    random = np.random.default_rng(5)
    for asset, close in (("BTC", 110_000.0), ("ETH", 4_300.0)):
        for day in range(DAYS + 11):
            close *= float(np.exp(random.normal(-0.001, 0.02)))  # noqa: PLW2901 - a walk
            yield Price(
                time=NEWS.start + timedelta(days=day - 10), asset=asset, close=close, currency="USD"
            )


def fill(store: Store, items: Iterable[Any]) -> None:
    """Put tagged articles into a store."""
    items = list(items)
    store.add(item.article for item in items)
    by_model: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        model = item.record.split('"model":"')[1].split('"')[0]
        by_model.setdefault(model, []).append((item.article.id, item.record))
    for model, records in by_model.items():
        store.put_tags(model, records)


def build_report(store: Store, **more: Any) -> report.WeeklyReport:
    """The report with a study of few resamples, which is quick."""
    plan = load_plan().model_copy(update={"resamples": 99})
    return report.build_report(store, plan=plan, **more)
