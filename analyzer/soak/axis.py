"""One axis of time for a soak: node time steps with every correction of a clock, a soak must not. Pure.

Boots of the agent with one kernel's boot share a monotonic clock. They are all put on UTC by the offset that
was measured in the last of them; where none was, by its anchor, which is the one after every correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak import Episode

STEP_NS = NS_PER_S // 2
"""Anchors of one kernel's boot that differ by more are a step of the clock; less is a slow correction."""


class Boot(NamedTuple):
    """One start of the agent: the first sign of it is at `begin`, the last at `end` (monotonic ns).

    `offset_ns` is UTC less node time as it was measured in this boot.
    """

    name: str
    os_boot: str
    anchor: int
    begin: int
    end: int
    offset_ns: int | None = None

    def lives(self, begin: int, end: int) -> bool:
        """Whether it told anything within a window of node time."""
        return self.anchor + self.begin < end and begin < self.anchor + self.end


@dataclass(frozen=True)
class Axis:
    """The boots of a node, in order; times on the axis are ns."""

    boots: tuple[Boot, ...]

    @cached_property
    def _shifts(self) -> dict[str, int]:
        """What is added to monotonic time, by boot."""
        bases = {boot.os_boot: boot.anchor for boot in self.boots}
        measured = [boot for boot in self.boots if boot.offset_ns is not None]
        bases.update({boot.os_boot: boot.anchor + (boot.offset_ns or 0) for boot in measured})
        return {boot.name: bases[boot.os_boot] for boot in self.boots}

    def place(self, boot: str, monotonic_ns: int) -> int:
        """A boot's monotonic time on the axis."""
        return self._shifts[boot] + monotonic_ns

    def of_node_time(self, begin: int, end: int, offset_ns: int | None = None) -> int | None:
        """A window's begin (node time) on the axis; None where no boot lived then.

        Where a clock was set back two boots may claim it: the one counts that agrees with the offset measured
        in the window, else the later one.
        """
        lived = [boot for boot in self.boots if boot.lives(begin, end)]
        if not lived:
            return None
        places = [begin - boot.anchor + self._shifts[boot.name] for boot in lived]
        if offset_ns is None:
            return places[-1]
        return min(reversed(places), key=lambda place: abs(place - begin - offset_ns))

    def events(self) -> list[Episode]:
        """What happened between each boot and the one before: a reboot, a restart, a step of the clock."""
        pairs = zip(self.boots, self.boots[1:], strict=False)
        return [self._event(before, boot) for before, boot in pairs]

    def _event(self, before: Boot, boot: Boot) -> Episode:
        begin, end = self.place(before.name, before.end), self.place(boot.name, boot.begin)
        begin = min(begin, end)
        away = f"{(end - begin) / NS_PER_S:.0f} s"
        if boot.os_boot != before.os_boot:
            return Episode(
                kind="rebooted", begin=begin, end=end, words=f"the device started anew after {away}"
            )
        step_s = (boot.anchor - before.anchor) / NS_PER_S
        if abs(boot.anchor - before.anchor) > STEP_NS:
            words = f"the clock was set {'forward' if step_s > 0 else 'back'} by {abs(step_s):.1f} s"
            return Episode(kind="clock_step", begin=begin, end=end, words=words, value=step_s)
        return Episode(kind="restarted", begin=begin, end=end, words=f"the agent started anew after {away}")


def axis_of(boots: Iterable[Boot]) -> Axis:
    """The axis of these boots. Those of one kernel's boot stay together, in the order of their own clock."""
    known = sorted(boots, key=lambda boot: boot.begin)
    kernels: dict[str, list[Boot]] = {}
    for boot in known:
        kernels.setdefault(boot.os_boot, []).append(boot)
    order = sorted(kernels.values(), key=_began)
    return Axis(tuple(boot for boots_of_one in order for boot in boots_of_one))


def _began(boots: Sequence[Boot]) -> int:
    return boots[-1].anchor + boots[0].begin
