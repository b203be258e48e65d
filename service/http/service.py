"""What the handlers share: store, batcher, options and figures that are dear to compute."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
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
from service.http.problems import overloaded
from service.http.rate import TokenBuckets
from service.report import WeeklyReport, build_report
from service.report.reader import NewsReader, open_news

if TYPE_CHECKING:
    from corpus.store import Store

Found = TypeVar("Found")


class Memory:
    """The last results by key; a missing one is computed once, however many ask for it.

    Who asks waits for ``patience`` seconds at most; the result is kept for the next who asks.
    """

    def __init__(self, size: int, *, patience: float) -> None:
        self._size = size
        self._patience = patience
        self._found: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")

    def get(self, key: Hashable, compute: Callable[[], Found]) -> Found:
        """The result under ``key``, computed when it is not there.

        Raises what ``compute`` raises, which is not kept, and :class:`ProblemError` 503 when it
        takes too long.
        """
        with self._lock:
            coming = self._found.get(key)
            if coming is None:
                coming = self._found[key] = self._thread.submit(compute)
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
            self._found.move_to_end(key)
        try:
            result: Found = coming.result(timeout=self._patience)
        except TimeoutError:
            raise overloaded(
                f"the figures were not ready within {self._patience:g} seconds",
                remedy="ask again after the seconds in Retry-After: they are being computed",
                seconds=math.ceil(self._patience / 3),
            ) from None
        except Exception:
            with self._lock:
                if self._found.get(key) is coming:
                    del self._found[key]
            raise
        return result

    def close(self) -> None:
        """Compute nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Streams:
    """The streams that are open, and whether they are to end: the server stops."""

    def __init__(self) -> None:
        self.open = 0
        self.ending = asyncio.Event()


@dataclass(frozen=True)
class Service:
    """What the handlers work with."""

    store: Store
    tagger: ItemTagger
    batcher: MicroBatcher
    metrics: Metrics
    options: ServeOptions
    buckets: TokenBuckets | None = None
    streams: Streams = field(default_factory=Streams)
    _indexes: Memory = field(init=False)
    _studies: Memory = field(init=False)
    _reports: Memory = field(init=False)

    def __post_init__(self) -> None:
        patience = self.options.deadline_seconds
        for name, size in (("_indexes", 8), ("_studies", 4), ("_reports", 16)):
            object.__setattr__(self, name, Memory(size, patience=patience))

    def close(self) -> None:
        """Compute no more figures."""
        for memory in (self._indexes, self._studies, self._reports):
            memory.close()

    def news(self, *, model: str | None = None, as_of: datetime | None = None) -> NewsReader:
        """The tagged news of a model as known at a moment; see :func:`open_news`."""
        return open_news(self.store, model=model, as_of=as_of)

    def index(self, news: NewsReader, *, frequency: Frequency, asset: str) -> IndexResult:
        """The index over all news, kept while the tags stay as they are."""
        return self._indexes.get(
            (self._state(), news.model, news.as_of, frequency, asset),
            lambda: build(
                news.headings(None, None),
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
        """Changes whenever the store has new articles, tags or prices."""
        return self.store.state()


def service_of(request: Request) -> Service:
    """The service that the application was made with."""
    service: Service = request.app.state.service
    return service


async def _the_service(request: Request) -> Service:
    """As a coroutine: FastAPI would send a plain function to a thread and wait for it there."""
    return service_of(request)


TheService = Annotated[Service, Depends(_the_service)]


def charge(request: Request, items: int) -> None:
    """Charge the request's key for items beyond the one that the request itself has cost."""
    service = service_of(request)
    if service.buckets is not None and items > 0:
        service.buckets.charge(request.scope["key_place"], items)
