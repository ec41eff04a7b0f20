"""What the analyzer counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:
    from analyzer.fleet.office import Office

PREFIX = "e3p_analyzer_"


class Metrics:
    """One set of counters for each analyzer."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.results = self._counter("results", "Revisions of results written, by state", "state")
        self.rankings = self._counter("rankings", "Revisions of rankings written")
        self.refused = self._counter("events_refused", "Events that contradict others")
        self.sweeps = self._counter("sweeps", "Times the whole store was looked through")
        self.findings = self._counter("findings", "Findings of the fleet told, by kind", "kind")
        self.findings_lasting = self._gauge("findings_lasting", "Findings of the fleet that last")
        self.findings_shed = self._gauge("findings_shed", "Findings beyond the limits, not told")
        self.windows_late = self._gauge("windows_late", "Windows of work that came too late to be compared")
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

    def watch_fleet(self, office: Office) -> None:
        """What lasts, and what was too much."""
        self.findings_lasting.set_function(lambda: len(office.lasting))
        self.findings_shed.set_function(lambda: office.shed)
        self.windows_late.set_function(lambda: office.late)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(PREFIX + name, words, registry=self.registry)
