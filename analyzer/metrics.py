"""What the analyzer counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

PREFIX = "e3p_analyzer_"


class Metrics:
    """One set of counters for each analyzer."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.results = self._counter("results", "Revisions of results written, by state", "state")
        self.rankings = self._counter("rankings", "Revisions of rankings written")
        self.refused = self._counter("events_refused", "Events that contradict others")
        self.sweeps = self._counter("sweeps", "Times the whole store was looked through")
        self.store_waits = self._counter("store_waits", "Tries that found the store unavailable")
        self.open_windows = self._gauge("open_windows", "Ended windows that wait for frames, or their turn")
        self.unsent = self._gauge("unsent", "Documents that wait for the broker; the store has them")
        self.connected = self._gauge("connected", "1 while the broker is connected")

    def watch(
        self, windows: Callable[[], int], unsent: Callable[[], int], connected: Callable[[], bool]
    ) -> None:
        """The gauges ask when somebody looks."""
        self.open_windows.set_function(windows)
        self.unsent.set_function(unsent)
        self.connected.set_function(connected)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(PREFIX + name, words, registry=self.registry)
