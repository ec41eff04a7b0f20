"""When the device rested: idle windows, by the trial or group that they were marked for. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from analyzer.mark import Mark
from analyzer.span import Span
from telemetry.contract import marks


@dataclass(frozen=True)
class Idle:
    """A rest of the device on one boot's clock, monotonic ns; `time` is node time of its end."""

    boot: str
    begin: int
    end: int
    time: int

    @property
    def span(self) -> Span:
        """The same, with the shift to node time."""
        return Span(self.boot, self.begin, self.end, self.time - self.end)


class Rests:
    """The idle windows of every owner."""

    def __init__(self) -> None:
        self._marks: dict[str, dict[tuple[object, ...], Mark]] = {}
        self._idles: dict[str, list[Idle]] = {}

    def add(self, owner: str, mark: Mark) -> None:
        """One idle mark; one that comes again is the same one."""
        held = self._marks.setdefault(owner, {})
        held[mark.key, mark.seq, mark.at] = mark
        self._idles[owner] = _pairs(sorted(held.values()))

    def around(self, owner: str, begin: int) -> tuple[Idle, ...]:
        """The rest that ended last before `begin` (node time ns), and the first one after it."""
        idles = self._idles.get(owner, [])
        before = bisect_right(idles, begin, key=lambda idle: idle.time)
        return tuple(idles[max(before - 1, 0) : before + 1])


def _pairs(held: list[Mark]) -> list[Idle]:
    """Each idle_end with the idle_begin right before it on the same boot."""
    return [
        Idle(first.key.boot, first.event.t, last.event.t, last.time)
        for first, last in pairwise(held)
        if isinstance(first.event, marks.IdleBegin)
        and isinstance(last.event, marks.IdleEnd)
        and first.key.boot == last.key.boot
        and first.event.t < last.event.t
    ]
