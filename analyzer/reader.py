"""Reads the small frames that say what a window is of: marks, manifests, health and clock reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.evidence import CLOCK_REACH_NS, HEALTH_REACH_NS
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzer.notebook import Notebook
    from telemetry.contract.frames import Frame
    from telemetry.store.interface import Store

KINDS = ("marks", "manifest", "health", "clock")
_REPORTS = ("health", "clock")


class Reader:
    """Reads each frame once and writes it into the notebook."""

    def __init__(self, store: Store, notebook: Notebook) -> None:
        self._store = store
        self._notebook = notebook
        self._read: dict[StreamKey, IntervalSet] = {}

    def skip(self, stored: Mapping[StreamKey, IntervalSet]) -> None:
        """Takes reports as read: no window was computed yet that could lack them."""
        self._read |= {key: seqs for key, seqs in stored.items() if _kind(key) in _REPORTS}

    async def read(self, key: StreamKey, settled: IntervalSet) -> set[str]:
        """Reads what is settled and was not read before. The ids of the trials that it touches."""
        if _kind(key) not in KINDS:
            return set()
        read = self._read.get(key, IntervalSet())
        unread = settled - read
        if not unread:
            return set()
        frames = await self._store.frames(key, unread)
        self._read[key] = read | IntervalSet.of(seq for seq, _ in frames)
        return {name for _, frame in frames for name in self._take(key, frame)}

    def _take(self, key: StreamKey, frame: Frame) -> set[str]:
        if isinstance(frame, MarksFrame):
            return self._notebook.add(key, frame)
        if isinstance(frame, ManifestFrame):
            return self._notebook.know(key.boot, frame)
        if isinstance(frame, HealthFrame):
            return self._near(frame.anchor + frame.t0, HEALTH_REACH_NS)
        if isinstance(frame, ClockFrame) and frame.exchanges:
            last = max(exchange.t4 for exchange in frame.exchanges)
            return self._near(frame.anchor + last, CLOCK_REACH_NS)
        return set()

    def _near(self, time: int, reach_ns: int) -> set[str]:
        """The trials that a report of this moment (node time ns) may speak for."""
        return set(self._notebook.around(time, time + reach_ns))


def _kind(key: StreamKey) -> str:
    return key.stream.partition("/")[0]
