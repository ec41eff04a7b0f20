"""What is known of the fleet right now: fed once by whoever hears it, looked at by every open page.

It does no I/O and reads no clock: whoever feeds it says when something came (`now_ns`, any clock that rises).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.revisions import result_id
from analyzer.standings import group_id
from telemetry.contract.columns import unpack_dt
from telemetry.contract.frames import HealthFrame, ManifestFrame, MarksFrame, PowerFrame
from view.live.buckets import Ring
from view.live.events import lasts
from view.live.playout import Playout
from view.live.tally import Bench, Meter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.contract.documents import Result
    from telemetry.contract.events import FleetEvent
    from telemetry.contract.frames import Frame
    from telemetry.contract.ranking import Ranking
    from telemetry.contract.replies import State
    from telemetry.contract.soak import Soak

MOST_INTERVALS = 2_000
MOST_EVENTS = 500
LIVELY_NS = 5_000_000_000
"""A stream that brought nothing for so long is not live."""


class Stream:
    """One power stream of a node, in the boot that was heard of last. `now_w` has every channel."""

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.channels = channels
        self.total = channels.index("total") if "total" in channels else 0
        self.tick_ns = 0
        self.ring = Ring(len(channels))
        self.playout = Playout()
        self.meter = Meter()
        self.mean_w: float | None = None
        self.heard_ns = 0
        self.rewritten = 0

    def add(self, frame: PowerFrame, now_ns: int) -> None:
        """Takes a frame; readings that come after later ones were shown count as `rewritten`."""
        watts = np.frombuffer(frame.w, "<f4").reshape(-1, len(frame.ch))
        times = np.asarray(unpack_dt(frame.dt, len(watts)), np.int64) + (frame.anchor + frame.t0)
        self.tick_ns = frame.tick
        before = self.ring.newest
        if self.ring.add(times, watts) < before:
            self.rewritten += 1
        if len(times):
            self.playout.heard(int(times[-1]), now_ns)
            total = watts[:, self.total].astype(np.float64)
            self.meter.add(times, total)
            there = total[np.isfinite(total)]
            self.mean_w = float(there.mean()) if len(there) else None
            self.heard_ns = now_ns


class Node:
    """What one node said lately."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: State | None = None
        self.about: ManifestFrame | None = None
        self.health: HealthFrame | None = None
        self.streams: dict[str, Stream] = {}
        self.bench = Bench()
        self.heard_ns: int | None = None
        self.seen_ns: int | None = None

    @property
    def lead_name(self) -> str | None:
        """The stream that trials are measured with: the manifest's first of the device, or the first."""
        told = self.about.streams if self.about else ()
        names = [info.stream for info in told if info.role == "device"]
        return next((name for name in (*names, *sorted(self.streams)) if name in self.streams), None)

    @property
    def lead(self) -> Stream | None:
        """That stream itself."""
        return self.streams.get(self.lead_name or "")

    def take(self, stream: str, frame: Frame, now_ns: int) -> None:
        """One of its frames."""
        self.heard_ns = now_ns
        self.seen_ns = max(self.seen_ns or 0, frame.anchor + frame.t0)
        if isinstance(frame, PowerFrame):
            self._power(stream, frame, now_ns)
        elif isinstance(frame, MarksFrame):
            self.bench.mark(frame)
            self._count()
        elif isinstance(frame, HealthFrame):
            self.health = frame
        elif isinstance(frame, ManifestFrame):
            self.know(frame)

    def know(self, manifest: ManifestFrame) -> None:
        """What it is, by its manifest; which of its channels is the total."""
        if self.about is not None and manifest.anchor + manifest.t0 < self.about.anchor + self.about.t0:
            return
        self.about = manifest
        for info in manifest.streams:
            held = self.streams.get(info.stream)
            if held is not None and info.total in held.channels:
                held.total = held.channels.index(info.total)

    def _power(self, name: str, frame: PowerFrame, now_ns: int) -> None:
        held = self.streams.get(name)
        if held is None or held.channels != frame.ch:
            held = self.streams[name] = Stream(frame.ch)
            if self.about is not None:
                self.know(self.about)
        held.add(frame, now_ns)
        if held is self.lead:
            self._count()

    def _count(self) -> None:
        lead = self.lead
        for trial in self.bench.running.values() if lead else ():
            trial.count(lead.meter)  # type: ignore[union-attr]


class Hub:
    """Everything the pages show."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.results: dict[str, Result] = {}
        self.rankings: dict[str, Ranking] = {}
        self.events: list[FleetEvent] = []
        self.soaks: dict[str, Soak] = {}

    def node(self, name: str) -> Node:
        """The node of this name, known from now on."""
        return self.nodes.setdefault(name, Node(name))

    def frame(self, node: str, name: str, frame: Frame, now_ns: int) -> None:
        """A frame of a node; `name` is its stream's full one, such as ``power/main``."""
        self.node(node).take(name.partition("/")[2], frame, now_ns)

    def result(self, result: Result) -> None:
        """A result, if it is the newest revision."""
        known = self.results.get(result_id(result))
        if known is None or known.revision <= result.revision:
            self.results[result_id(result)] = result
            self._forget_intervals()

    def ranking(self, ranking: Ranking) -> None:
        """The newest word on one group."""
        self.rankings[group_id(ranking.group)] = ranking

    def tell(self, events: Iterable[FleetEvent]) -> None:
        """Events, the newest revision of each, oldest first; what lasts is not forgotten."""
        held = {_event_id(event): event for event in (*self.events, *events)}
        told = sorted(held.values(), key=lambda event: event.at)
        old = told[:-MOST_EVENTS]
        self.events = [*filter(lasts, old), *told[len(old) :]]

    def soak(self, soak: Soak) -> None:
        """The newest verdict on a soak."""
        self.soaks[soak.soak] = soak

    def _forget_intervals(self) -> None:
        """Windows of continuous work come for ever; trials are what somebody ran."""
        intervals = [key for key, result in self.results.items() if result.kind == "interval"]
        if len(intervals) > MOST_INTERVALS + MOST_INTERVALS // 10:
            intervals.sort(key=lambda key: self.results[key].end)
            for key in intervals[:-MOST_INTERVALS]:
                del self.results[key]


def _event_id(event: FleetEvent) -> str:
    return getattr(event, "id", None) or f"{event.kind}/{event.node}/{event.at}"
