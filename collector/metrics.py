"""What the collector counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from collector.gather import Gather

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """One set of counters for each collector."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.frames = Counter("e3p_collector_frames", "Frames stored", registry=self.registry)
        self.samples = Counter("e3p_collector_samples", "Samples stored", registry=self.registry)
        self.repeats = Counter(
            "e3p_collector_repeats", "Frames that were stored already", registry=self.registry
        )
        self.letters = Counter(
            "e3p_collector_letters", "Dead letters, by code", ["code"], registry=self.registry
        )
        self.shed = Counter(
            "e3p_collector_shed", "Messages shed because of a bound", ["bound"], registry=self.registry
        )
        self.inbox_shed = Gauge(
            "e3p_collector_inbox_shed", "Messages shed before they were looked at", registry=self.registry
        )
        self.queue_samples = Gauge(
            "e3p_collector_queue_samples", "Samples held in memory", registry=self.registry
        )
        self.queue_bytes = Gauge("e3p_collector_queue_bytes", "Bytes held in memory", registry=self.registry)
        self.write_seconds = Histogram(
            "e3p_collector_write_seconds", "Writing a batch", registry=self.registry, buckets=BUCKETS_S
        )
        self.store_waits = Counter(
            "e3p_collector_store_waits", "Tries that found the store unavailable", registry=self.registry
        )
        self.acks = Counter("e3p_collector_acks", "`stored` messages sent", registry=self.registry)
        self.pings = Counter("e3p_collector_pings", "Pings answered", registry=self.registry)
        self.nodes = Gauge("e3p_collector_nodes", "Nodes seen", registry=self.registry)
        self.bad_clocks = Gauge(
            "e3p_collector_bad_clocks", "Nodes whose clock is more than 5 minutes off", registry=self.registry
        )

    def watch(self, gather: Gather, inbox_shed: Callable[[], int]) -> None:
        """The gauges ask when somebody looks, which costs a frame nothing."""
        self.queue_samples.set_function(lambda: gather.held.samples)
        self.queue_bytes.set_function(lambda: gather.held.size_bytes)
        self.inbox_shed.set_function(inbox_shed)
