"""What the endpoint counts, for Prometheus.

With several workers each counts into a file of a folder that they share
(``PROMETHEUS_MULTIPROC_DIR``, set before they start), so that any of them tells the sums of all.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "undertow_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "undertow_request_seconds",
            "Time to answer a request",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.items = Counter("undertow_items_tagged", "Items tagged", registry=self._registry)
        self.refused = Counter(
            "undertow_items_refused", "Items refused for a full queue", registry=self._registry
        )
        self.waiting = Gauge(
            "undertow_items_waiting",
            "Items that wait or are tagged now",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.batch = Histogram(
            "undertow_batch_items",
            "Items in one run of the model",
            buckets=_ITEMS,
            registry=self._registry,
        )

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
