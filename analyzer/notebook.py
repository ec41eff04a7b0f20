"""What ran, gathered from marks in whatever order they arrive: trials, idle windows, refused events.

Pure: the same marks give the same trials, however they were cut into frames and ordered on the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.mark import Mark
from analyzer.rests import Idle, Rests
from analyzer.timeline import Stretch, Timeline
from analyzer.trials import Boot, Trial, window_of
from telemetry.contract import marks
from telemetry.contract.documents import EventRefused
from telemetry.contract.frames import ManifestFrame, MarksFrame, StreamKey

_OF_A_TRIAL = (marks.TrialBegin, marks.TrialEnd, marks.Batches, marks.MarksHole)

Marks = dict[tuple[StreamKey, int, int], Mark]
"""Marks by where they stand, so that one that comes again is the same one."""


@dataclass
class _Page:
    """The marks of one trial, by what they are."""

    begins: Marks = field(default_factory=dict)
    ends: Marks = field(default_factory=dict)
    batches: Marks = field(default_factory=dict)
    holes: Marks = field(default_factory=dict)

    def write(self, mark: Mark) -> None:
        kinds = {
            marks.TrialBegin: self.begins,
            marks.TrialEnd: self.ends,
            marks.Batches: self.batches,
            marks.MarksHole: self.holes,
        }
        kinds[type(mark.event)][mark.key, mark.seq, mark.at] = mark

    @property
    def edges(self) -> tuple[Mark | None, Mark | None]:
        """The marks that open and close the trial: the first of each that there is."""
        return min(self.begins.values(), default=None), min(self.ends.values(), default=None)


class Doubt(NamedTuple):
    """What speaks against the marks of a trial: events that are wrong for good, and those with no begin."""

    refused: list[EventRefused]
    orphans: list[EventRefused]


class Notebook:
    """The marks of one node. `add` and `know` say which trials they touch; `trial` tells one of them."""

    def __init__(self, node: str) -> None:
        self.node = node
        self._pages: dict[str, _Page] = {}
        self._groups: dict[str, set[str]] = {}
        self._of_boot: dict[str, set[str]] = {}
        self._boots: dict[str, Boot] = {}
        self._rests = Rests()
        self._timeline = Timeline()

    def add(self, key: StreamKey, frame: MarksFrame) -> set[str]:
        """Writes down a frame's events; adding one again changes nothing. The ids of the trials touched."""
        touched: set[str] = set()
        for at, event in enumerate(frame.events):
            mark = Mark(frame.anchor + event.t, key, frame.seq, at, event)
            if isinstance(event, (marks.IdleBegin, marks.IdleEnd)):
                touched |= self._rest(event.trial, event.group, mark)
            elif isinstance(event, _OF_A_TRIAL) and event.trial is not None:
                touched |= self._write(event.trial, mark)
        return touched

    def know(self, boot: str, manifest: ManifestFrame) -> set[str]:
        """Takes down which kernel's boot a boot of the agent is of. The ids of the trials touched."""
        known = self._boots.get(boot)
        if known is None or manifest.t0 < known.start:
            self._boots[boot] = Boot(boot, manifest.os_boot, manifest.t0)
        touched = {*self._of_boot.get(boot, ()), *self._timeline.open()}
        later = [
            b.start for b in self._boots.values() if b.os_boot == manifest.os_boot and b.start > manifest.t0
        ]
        until = min(later, default=manifest.t0 + 1)
        touched |= set(self.around(manifest.anchor + manifest.t0, manifest.anchor + until))
        for name in list(touched):
            touched |= self._replace(name)
        return touched

    def trial(self, trial: str) -> Trial | None:
        """The trial of this id, or None while nothing has opened it."""
        page = self._pages.get(trial, _Page())
        begin, end = page.edges
        if begin is None or not isinstance(begin.event, marks.TrialBegin):
            return None
        return Trial(
            node=self.node,
            begin=begin,
            end=end,
            batches=tuple(sorted(page.batches.values())),
            holes=tuple(sorted(page.holes.values())),
            rests=self._rests.around(trial, begin.time) or self._rests.around(begin.event.group, begin.time),
            window=window_of(begin, end, self._boots) if end else None,
            boots=self._boots_of(page, begin, end) if end else (),
        )

    def trials(self) -> list[Trial]:
        """Every trial that was opened, by its begin."""
        found = [trial for trial in map(self.trial, self._pages) if trial is not None]
        return sorted(found, key=lambda trial: trial.begin)

    def overlapping(self, trial: str) -> list[str]:
        """The ids of other trials that ran during this one.

        One without an end still runs, but not beyond the kernel's boot that it began in.
        """
        return [other for other in self._timeline.beside(trial) if self._may_meet(trial, other)]

    def around(self, begin: int, end: int) -> list[str]:
        """The ids of the trials that ran at some time between these, node time ns."""
        return self._timeline.during(Stretch(begin, end))

    def of_boot(self, boot: str) -> set[str]:
        """The ids of the ended trials that ran in a boot of the agent, wherever they begin and end."""
        known = self._boots.get(boot)
        same = {b.name for b in self._boots.values() if known and b.os_boot == known.os_boot} | {boot}
        marked = {name for each in same for name in self._of_boot.get(each, ())}
        return {name for name in marked if (trial := self.trial(name)) and boot in trial.boots}

    def doubt(self, trial: str) -> Doubt:
        """The events of one trial that contradict others: the first begin and the first end count."""
        page = self._pages.get(trial, _Page())
        begins, ends = sorted(page.begins.values()), sorted(page.ends.values())
        if not begins:
            orphans = sorted([*ends, *page.batches.values()])
            return Doubt([], [_refusal(mark, trial, "no trial_begin with this id") for mark in orphans])
        spare = [(mark, "a second trial_begin with this id") for mark in begins[1:]]
        spare += [(mark, "a second trial_end of this trial") for mark in ends[1:]]
        return Doubt([_refusal(mark, trial, reason) for mark, reason in spare], [])

    def _write(self, trial: str, mark: Mark) -> set[str]:
        page = self._pages.setdefault(trial, _Page())
        page.write(mark)
        if isinstance(mark.event, marks.TrialBegin):
            self._groups.setdefault(mark.event.group, set()).add(trial)
        if isinstance(mark.event, (marks.TrialBegin, marks.TrialEnd)):
            self._of_boot.setdefault(mark.key.boot, set()).add(trial)
            return self._replace(trial)
        return {trial}

    def _replace(self, trial: str) -> set[str]:
        """Puts a trial where it now is in time: it and all that it met or meets are touched."""
        met = set(self._timeline.beside(trial))
        begin, end = self._pages[trial].edges
        if begin is not None:
            window = window_of(begin, end, self._boots) if end else None
            self._timeline.place(trial, Stretch(begin.time, window.end if window else None))
        return {trial, *met, *self._timeline.beside(trial)}

    def _rest(self, trial: str | None, group: str | None, mark: Mark) -> set[str]:
        owner = trial or group or ""
        members = [name for name in (owner, *self._groups.get(owner, ())) if name in self._pages]
        before = {name: self._rests_of(name) for name in members}
        self._rests.add(owner, mark)
        return {name for name in members if self._rests_of(name) != before[name]}

    def _rests_of(self, name: str) -> tuple[Idle, ...]:
        trial = self.trial(name)
        return trial.rests if trial else ()

    def _may_meet(self, trial: str, other: str) -> bool:
        (mine, end), (theirs, their_end) = self._pages[trial].edges, self._pages[other].edges
        if mine is None or theirs is None or (end and their_end):
            return True
        here, there = self._boots.get(mine.key.boot), self._boots.get(theirs.key.boot)
        return here is None or there is None or here.os_boot == there.os_boot

    def _boots_of(self, page: _Page, begin: Mark, end: Mark) -> tuple[str, ...]:
        """The boots of the agent in which a trial ran, by time.

        A mark may stand in the boot after its own, when the agent was started anew before it was written.
        """
        first, last = self._boots.get(begin.key.boot), self._boots.get(end.key.boot)
        if first is None or last is None or first.os_boot != last.os_boot:
            marked = sorted({mark.key.boot for mark in page.batches.values()})
            return tuple(dict.fromkeys((begin.key.boot, *marked, end.key.boot)))
        same = sorted(
            (b for b in self._boots.values() if b.os_boot == first.os_boot), key=lambda b: (b.start, b.name)
        )
        over = [*(boot.start for boot in same[1:]), math.inf]
        ran = [
            boot.name
            for boot, ended in zip(same, over, strict=True)
            if boot.start < end.event.t and ended > begin.event.t
        ]
        return tuple(dict.fromkeys((*ran, begin.key.boot, end.key.boot)))


def _refusal(mark: Mark, trial: str, reason: str) -> EventRefused:
    kind = type(mark.event).__struct_config__.tag
    return EventRefused(
        node=mark.key.node,
        boot=mark.key.boot,
        stream=mark.key.stream,
        seq=mark.seq,
        event=str(kind),
        trial=trial,
        reason=reason,
    )
