"""What the live page counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

PREFIX = "e3p_live_"


class Metrics:
    """One set of counters for each page server."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.clients = Gauge(f"{PREFIX}clients", "Pages that are open now", registry=self.registry)
        self.updates = Counter(f"{PREFIX}updates", "Messages sent to pages", registry=self.registry)
        words = "Updates that were due and not sent, because the page or this program was slow"
        self.late = Counter(f"{PREFIX}late", words, registry=self.registry)
