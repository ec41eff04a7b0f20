"""Soaks as their marks tell of them: each program says when it begins, and again when it goes on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from analyzer.soak.assess import Run
from analyzer.soak.axis import Axis, Boot
from telemetry.contract.frames import MarksFrame, StreamKey
from telemetry.contract.marks import SoakBegin
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak_plan import SoakPlan, faults


class Said(NamedTuple):
    """One mark of a soak, and where it stands: by its number in the soak, then by when it was said.

    `time` is node time ns.
    """

    starts: int
    t: int
    boot: str
    node: str
    mark: SoakBegin
    time: int


class Marked(NamedTuple):
    """One soak of one node: its plan, and its marks from the first to the last."""

    soak: str
    node: str
    plan: SoakPlan
    said: tuple[Said, ...]

    @property
    def began(self) -> int:
        """When its first mark was said, node time ns."""
        return self.said[0].time

    def run_on(self, axis: Axis) -> Run:
        """The soak on the axis of its node's boots; the last mark tells its end best."""
        first, last = self.said[0], self.said[-1]
        kernels = {boot.name: boot.os_boot for boot in axis.boots}
        begun_again = [
            axis.place(later.boot, later.t)
            for before, later in zip(self.said, self.said[1:], strict=False)
            if kernels[before.boot] == kernels[later.boot] and later.starts > before.starts
        ]
        return Run(
            soak=self.soak,
            node=self.node,
            app=self.plan.app,
            plan=self.plan,
            begin=axis.place(first.boot, first.t),
            planned_end=axis.place(last.boot, last.t) + round(last.mark.left_s * NS_PER_S),
            starts=tuple(begun_again),
        )

    def boots_of(self, axis: Axis) -> list[Boot]:
        """The boots that the soak may touch: from the one that it began in."""
        names = [boot.name for boot in axis.boots]
        return list(axis.boots[names.index(self.said[0].boot) :])


def said_in(key: StreamKey, frames: Iterable[MarksFrame]) -> list[Said]:
    """The marks of soaks in frames of one sequence."""
    return [
        Said(event.starts, event.t, key.boot, key.node, event, frame.anchor + event.t)
        for frame in frames
        for event in frame.events
        if isinstance(event, SoakBegin)
    ]


def soaks_of(said: Iterable[Said]) -> list[Marked]:
    """The soaks of one or more nodes, in the order in which they first were heard of.

    One whose plan this version cannot read is passed over.
    """
    found: dict[tuple[str, str], list[Said]] = {}
    for each in said:
        found.setdefault((each.node, each.mark.soak), []).append(each)
    soaks = []
    for (node, soak), marks in found.items():
        plan = _plan_of(marks[0].mark)
        if plan is not None:
            soaks.append(Marked(soak, node, plan, tuple(sorted(marks, key=lambda each: each[:2]))))
    return soaks


def _plan_of(mark: SoakBegin) -> SoakPlan | None:
    try:
        plan = msgspec.convert(mark.plan, SoakPlan)
    except msgspec.ValidationError:
        return None
    return None if any(faults(plan)) else plan
