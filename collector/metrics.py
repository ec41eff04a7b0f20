"""What the collector counts, for Prometheus.

Every message below nodes' names that is no reply is counted once when it comes and once when it is clear what
became of it: received = stored + repeats + letters + shed + queued.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from collector.gather import Gather

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
PREFIX = "e3p_collector_"


class Metrics:
    """One set of counters for each collector."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.received = self._counter("received", "Messages taken from the inbox to become frames")
        self.frames = self._counter("frames", "Frames stored")
        self.samples = self._counter("samples", "Samples stored")
        self.repeats = self._counter("repeats", "Frames that were stored already")
        self.letters = self._counter("letters", "Messages that became dead letters, by code", "code")
        self.shed = self._counter("shed", "Messages shed because of a bound; their nodes have them", "bound")
        self.queued = self._gauge("queued", "Frames and letters that wait in memory for the store")
        self.queue_samples = self._gauge("queue_samples", "Samples held in memory")
        self.queue_bytes = self._gauge("queue_bytes", "Bytes held in memory")
        self.inbox_shed = self._gauge(
            "inbox_shed", "Messages shed before they were taken from the inbox, which `received` leaves out"
        )
        self.connected = self._gauge("connected", "1 while the broker is connected")
        self.write_seconds = Histogram(
            f"{PREFIX}write_seconds", "Writing a batch", registry=self.registry, buckets=BUCKETS_S
        )
        self.store_waits = self._counter("store_waits", "Tries that found the store unavailable")
        self.acks = self._counter("acks", "`stored` messages sent")
        self.pings = self._counter("pings", "Pings answered")
        self.nodes = self._gauge("nodes", "Nodes seen")
        self.events = self._counter("events", "Events noticed, by kind", "kind")
        self.store_bytes = self._gauge("store_bytes", "Bytes of the store's file, where it is one")
        self.store_free_bytes = self._gauge("store_free_bytes", "Bytes of it that are free inside")
        self.bad_clocks = self._gauge("bad_clocks", "Nodes whose clock is more than 5 minutes off")

    def watch(self, gather: Gather, inbox_shed: Callable[[], int], connected: Callable[[], bool]) -> None:
        """The gauges ask when somebody looks, which costs a frame nothing."""
        self.queued.set_function(lambda: gather.held.messages)
        self.queue_samples.set_function(lambda: gather.held.samples)
        self.queue_bytes.set_function(lambda: gather.held.size_bytes)
        self.inbox_shed.set_function(inbox_shed)
        self.connected.set_function(connected)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(PREFIX + name, words, registry=self.registry)
