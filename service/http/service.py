"""What the handlers share: store, batcher, options and figures that are dear to compute."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Request

from corpus.errors import InputError
from nlp.index import Frequency, IndexResult, build
from nlp.study import StudyResult
from nlp.study import run as run_study
from service.http.batching import ItemTagger, MicroBatcher
from service.http.metrics import Metrics
from service.http.options import ServeOptions
from service.report import WeeklyReport, build_report
from service.report.reader import NewsReader, open_news

if TYPE_CHECKING:
    from corpus.store import Store

Found = TypeVar("Found")


class Memory:
    """The last results by key; one thread computes a missing one while the others wait for it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Found]) -> Found:
        """The result under ``key``, computed when it is not there."""
        with self._lock:
            if key not in self._found:
                self._found[key] = compute()
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
            self._found.move_to_end(key)
            result: Found = self._found[key]
            return result


@dataclass(frozen=True)
class Service:
    """What the handlers work with."""

    store: Store
    tagger: ItemTagger
    batcher: MicroBatcher
    metrics: Metrics
    options: ServeOptions
    _indexes: Memory = field(default_factory=lambda: Memory(8))
    _studies: Memory = field(default_factory=lambda: Memory(4))
    _reports: Memory = field(default_factory=lambda: Memory(16))

    def news(self, *, model: str | None = None, as_of: datetime | None = None) -> NewsReader:
        """The tagged news of a model as known at a moment; see :func:`open_news`."""
        return open_news(self.store, model=model, as_of=as_of)

    def index(self, news: NewsReader, *, frequency: Frequency, asset: str) -> IndexResult:
        """The index over all news, kept while the tags stay as they are."""
        return self._indexes.get(
            (self._state(), news.model, news.as_of, frequency, asset),
            lambda: build(
                news.between(None, None),
                frequency=frequency,
                as_of=news.as_of,
                model=news.model,
                asset=asset,
            ),
        )

    def study(self, news: NewsReader, *, frequency: Frequency) -> StudyResult:
        """The study of that index against the prices of the store."""

        def compute() -> StudyResult:
            prices = self.store.prices(assets=None)
            if prices.empty:
                raise InputError(
                    "the store holds no prices", remedy="run `undertow prices import FILE` first"
                )
            index = self.index(news, frequency=frequency, asset="all")
            return run_study(index.frame, prices)

        return self._studies.get((self._state(), news.model, news.as_of, frequency), compute)

    def report(self, week: str, *, with_study: bool = True) -> WeeklyReport:
        """The weekly report, kept while the tags stay as they are."""
        return self._reports.get(
            (self._state(), week, with_study),
            lambda: build_report(self.store, week=week, with_study=with_study),
        )

    def _state(self) -> Hashable:
        """Changes whenever the store has new articles or tags."""
        models = self.store.tag_models()
        return tuple((one.identity, one.articles, one.last_tagged_at) for one in models)


def service_of(request: Request) -> Service:
    """The service that the application was made with."""
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(service_of)]
