"""Figures of a watching crawl for Prometheus, served over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from corpus.errors import UsageError
from corpus.records import SourceState
from corpus.visits import Outcome, Visit

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 1800)


class CrawlMetrics:
    """Counts what a watching crawl does; to be told each visit, and the states of the sources."""

    def __init__(self, sources: int) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._visits = Counter(
            "undertow_crawl_visits",
            "Visits of sources, by how they ended.",
            ["outcome"],
            registry=self._registry,
        )
        self._articles = Counter(
            "undertow_crawl_articles",
            "Articles that visits found, by what they were to the store.",
            ["kind"],
            registry=self._registry,
        )
        self._pages = Counter(
            "undertow_crawl_pages", "Pages that were fetched.", registry=self._registry
        )
        self._page_problems = Counter(
            "undertow_crawl_page_problems",
            "Pages that held no article, by what they held.",
            ["problem"],
            registry=self._registry,
        )
        self._entry_problems = Counter(
            "undertow_crawl_entry_problems",
            "Entries of feeds that could not be used.",
            registry=self._registry,
        )
        self._seconds = Histogram(
            "undertow_crawl_visit_seconds",
            "How long a visit took.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._listed = Gauge(
            "undertow_crawl_sources", "Sources of the list.", registry=self._registry
        )
        self._failures = Gauge(
            "undertow_crawl_source_failures",
            "Failed attempts in a row of each source.",
            ["source"],
            registry=self._registry,
        )
        self._last_success = Gauge(
            "undertow_crawl_source_last_success_timestamp_seconds",
            "When each source was last read with success, in seconds since 1970 UTC.",
            ["source"],
            registry=self._registry,
        )
        self._listed.set(sources)
        for outcome in Outcome:
            self._visits.labels(outcome.value)
        for kind in ("new", "updated", "unchanged", "copies"):
            self._articles.labels(kind)

    def visited(self, visit: Visit) -> None:
        """Count a visit."""
        self._visits.labels(visit.outcome.value).inc()
        for kind in ("new", "updated", "unchanged", "copies"):
            self._articles.labels(kind).inc(getattr(visit, kind))
        self._pages.inc(visit.pages)
        self._entry_problems.inc(visit.entry_problems)
        for problem, count in visit.page_problems.items():
            self._page_problems.labels(problem).inc(count)
        if visit.seconds:
            self._seconds.observe(visit.seconds)
        if visit.state is not None:
            self.standing([visit.state])

    def standing(self, states: Sequence[SourceState]) -> None:
        """Take over how sources stand."""
        for state in states:
            self._failures.labels(state.name).set(state.failures)
            if state.last_success_at is not None:
                self._last_success.labels(state.name).set(state.last_success_at.timestamp())

    def serve(self, port: int, host: str) -> int:
        """Serve the figures at ``/metrics`` until the program ends; the port that was taken.

        Port 0 takes any free one. Raises UsageError when the port cannot be had.
        """
        try:
            server, _ = start_http_server(port, host, registry=self._registry)
        except OSError as error:
            raise UsageError(
                f"metrics cannot be served at {host}:{port}: {error.strerror or error}",
                remedy="choose another --metrics-port",
            ) from error
        return int(server.server_port)
