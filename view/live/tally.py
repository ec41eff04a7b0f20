"""A trial while it runs: how far it is, and what it took so far. Pure.

The figure is for looking at: the result comes from the analyzer, with its uncertainty, after the end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.contract import marks
from telemetry.contract.columns import unpack
from telemetry.contract.frames import MarksFrame
from telemetry.contract.nodetime import NS_PER_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KEPT_NS = 20 * NS_PER_S
"""Readings are kept so long: marks come a little after what they speak of."""


class Meter:
    """Joules of a stream from any moment of the last seconds on, by trapezoids."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Ints, Floats]] = deque()

    def add(self, times_ns: Ints, watts: Floats) -> None:
        """Readings of the total; those of earlier times than the last are passed over."""
        there = np.isfinite(watts)
        times_ns, watts = times_ns[there], watts[there]
        if not len(times_ns) or (self._kept and times_ns[0] <= self._kept[-1][0][-1]):
            return
        self._kept.append((times_ns, watts))
        while self._kept[0][0][-1] < times_ns[-1] - KEPT_NS:
            self._kept.popleft()

    def since(self, begin_ns: int) -> tuple[float, int, int]:
        """Joules from `begin_ns` to the last reading, and the moments (ns) between which that is so."""
        if not self._kept or self._kept[-1][0][-1] <= begin_ns:
            return 0.0, begin_ns, begin_ns
        parts = [part for part in self._kept if part[0][-1] >= begin_ns - NS_PER_S]
        times = np.concatenate([part[0] for part in parts])
        watts = np.concatenate([part[1] for part in parts])
        first = max(begin_ns, int(times[0]))
        at = np.searchsorted(times, first, side="right")
        edges = np.concatenate([[first], times[at:]])
        level = np.concatenate([[np.interp(first, times, watts)], watts[at:]])
        seconds = (edges - first) / NS_PER_S
        joules = float(np.sum((level[1:] + level[:-1]) / 2 * np.diff(seconds)))
        return joules, first, int(times[-1])


@dataclass
class Running:
    """One trial that has begun. Times are node time ns; `counted_from` is when we began to listen."""

    trial: str
    begin: int | None = None
    model: str | None = None
    dataset: str | None = None
    batch_size: int | None = None
    precision: str | None = None
    index: int | None = None
    wanted: int | None = None
    images: int = 0
    joules: float = 0.0
    counted_from: int | None = None
    through: int | None = None

    def count(self, meter: Meter) -> None:
        """Adds what was drawn since the last look."""
        since = self.through if self.through is not None else self.begin
        if since is None:
            return
        joules, first, through = meter.since(since)
        if through > since:
            self.joules += joules
            self.counted_from = first if self.counted_from is None else self.counted_from
            self.through = through

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where nobody said how many images it has."""
        return min(1.0, self.images / self.wanted) if self.wanted else None


@dataclass
class Bench:
    """What runs on one node, from its marks as they come; `over` are trials that have ended."""

    running: dict[str, Running] = field(default_factory=dict)
    over: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    busy_at: int | None = None

    def mark(self, frame: MarksFrame) -> None:
        """Takes a frame of marks, in whatever order they come."""
        for event in frame.events:
            if isinstance(event, marks.TrialBegin):
                self._begin(event, frame.anchor + event.t)
            elif isinstance(event, marks.Batches):
                self._work(event, frame.anchor + event.t)
            elif isinstance(event, marks.TrialEnd):
                self.running.pop(event.trial, None)
                self.over.append(event.trial)

    def _begin(self, event: marks.TrialBegin, at: int) -> None:
        if event.trial in self.over:
            return
        # A node runs one at a time: what began before and never ended was left behind.
        for name, other in list(self.running.items()):
            if name != event.trial and other.begin is not None and other.begin < at:
                del self.running[name]
        trial = self.running.setdefault(event.trial, Running(event.trial))
        trial.begin, trial.model, trial.dataset = at, event.model, event.dataset
        trial.batch_size, trial.precision, trial.index = event.batch_size, event.precision, event.index
        trial.wanted = event.protocol.images if event.protocol else None

    def _work(self, event: marks.Batches, at: int) -> None:
        if event.trial not in self.over:
            trial = self.running.setdefault(event.trial, Running(event.trial))
            trial.images += int(sum(unpack("i", event.images)))
            self.busy_at = at
