"""Which minutes of a node had work in them, and which of them are over. Pure.

A minute is a window of node time whose begin is a multiple of its length; a batch belongs to the one in which
it ended. What a mark tells of a batch more than `REACH_NS` after its end is told too late and left out, so
that a minute can be computed again from the marks around it, whatever came before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from telemetry.contract import marks
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from telemetry.contract.frames import Frame

REACH_NS = 600 * NS_PER_S
"""How long after its end a batch may be told of."""
GRACE_NS = 3 * NS_PER_S
"""A minute is over when its node tells of something so long after: marks are gathered for a second."""
PATIENCE_S = 15.0
"""Nobody tells of anything any more: so long after its length a minute is over all the same."""
LATE_NS = 60 * NS_PER_S
"""A report so much older than what was heard of its boot came late: minutes may be computed without it."""
REPORT_REACH_NS = {HealthFrame: 60 * NS_PER_S, ClockFrame: 1200 * NS_PER_S}
NEAR_BOOTS = 2
"""A minute may lie in the last boots that began before its end, even where those made no marks in it."""


@dataclass
class _Begun:
    """A minute that had work: since when that is known, the boots that told, and their frames of marks."""

    since_s: float
    boots: set[str] = field(default_factory=set)
    told: defaultdict[StreamKey, set[int]] = field(default_factory=lambda: defaultdict(set))


class Minutes:
    """The minutes of one node in which it worked, from its frames in whatever order; named by their begin."""

    def __init__(self, length_ns: int) -> None:
        self.length_ns = length_ns
        self._begun: dict[int, _Begun] = {}
        self._owing: dict[int, _Begun] = {}
        self._heard: dict[str, float] = {}
        self._starts: dict[str, int] = {}
        self._plain: dict[StreamKey, IntervalSet] = {}

    def note(self, key: StreamKey, frame: Frame, now_s: float) -> None:
        """Takes down what a frame says of work, and how far its boot has come."""
        if isinstance(frame, MarksFrame):
            for begin in self._minutes_of(frame):
                self._touch(begin, key, now_s).told[key].add(frame.seq)
            self._hear(key.boot, frame.anchor + max([frame.t0, *(event.t for event in frame.events)]))
        elif isinstance(frame, ManifestFrame):
            at = frame.anchor + frame.t0
            self._starts[key.boot] = min(at, self._starts.get(key.boot, at))
        elif isinstance(frame, (HealthFrame, ClockFrame)):
            self._report(key, frame, now_s)

    def over(self, now_s: float) -> list[int]:
        """The minutes that are over since the last look, oldest first; they owe their results from now on."""
        patience_s = self.length_ns / NS_PER_S + PATIENCE_S
        ended = [
            begin
            for begin, begun in sorted(self._begun.items())
            if now_s - begun.since_s >= patience_s
            or any(self._heard.get(boot, -math.inf) >= self._end(begin) + GRACE_NS for boot in begun.boots)
        ]
        for begin in ended:
            begun, owing = self._begun.pop(begin), self._owing.setdefault(begin, _Begun(now_s))
            owing.boots |= begun.boots
            for key, seqs in begun.told.items():
                owing.told[key] |= seqs
        return ended

    def settled(self, begin: int) -> None:
        """The results of a minute are written, and nothing is missing of them."""
        self._owing.pop(begin, None)

    def boots_of(self, begin: int) -> set[str]:
        """The boots that a minute may lie in: those that told of it, and the last to begin before its end."""
        told = {boot for held in (self._begun, self._owing) if begin in held for boot in held[begin].boots}
        started = sorted((at, boot) for boot, at in self._starts.items() if at < self._end(begin))
        return told | {boot for _, boot in started[-NEAR_BOOTS:]}

    def done(self) -> dict[StreamKey, IntervalSet]:
        """The frames that hold nothing but work, of minutes whose results are written."""
        waiting: defaultdict[StreamKey, set[int]] = defaultdict(set)
        for held in (*self._begun.values(), *self._owing.values()):
            for key, seqs in held.told.items():
                waiting[key] |= seqs
        return {
            key: rest for key, seqs in self._plain.items() if (rest := seqs - IntervalSet.of(waiting[key]))
        }

    def read(self, key: StreamKey, frames: Iterable[MarksFrame]) -> None:
        """Takes down which frames of marks hold nothing but work."""
        plain = [frame.seq for frame in frames if all(isinstance(each, marks.Work) for each in frame.events)]
        if plain:
            self._plain[key] = self._plain.get(key, IntervalSet()) | IntervalSet.of(plain)

    def skip(self, done: Mapping[StreamKey, IntervalSet]) -> None:
        """Frames that an earlier run was done with."""
        for key, seqs in done.items():
            self._plain[key] = self._plain.get(key, IntervalSet()) | seqs

    def _end(self, begin: int) -> int:
        return begin + self.length_ns

    def _minutes_of(self, frame: MarksFrame) -> Iterator[int]:
        for event in frame.events:
            if isinstance(event, marks.Work):
                ends = np.frombuffer(event.end, "<i8")
                in_time = ends[ends >= event.t - REACH_NS] + frame.anchor
                yield from (np.unique(in_time // self.length_ns) * self.length_ns).tolist()

    def _report(self, key: StreamKey, frame: HealthFrame | ClockFrame, now_s: float) -> None:
        last = (
            max([frame.t0, *(e.t4 for e in frame.exchanges)]) if isinstance(frame, ClockFrame) else frame.t0
        )
        at = frame.anchor + last
        if self._heard.get(key.boot, -math.inf) > at + LATE_NS:
            until = at + REPORT_REACH_NS[type(frame)]
            for begin in range(at // self.length_ns * self.length_ns, until, self.length_ns):
                self._touch(begin, key, now_s)
        self._hear(key.boot, at)

    def _touch(self, begin: int, key: StreamKey, now_s: float) -> _Begun:
        begun = self._begun.setdefault(begin, _Begun(now_s))
        begun.boots.add(key.boot)
        return begun

    def _hear(self, boot: str, at: int) -> None:
        self._heard[boot] = max(at, self._heard.get(boot, at))
