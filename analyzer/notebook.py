"""What ran, gathered from marks in whatever order they arrive: trials, idle windows, refused events.

Pure: the same marks give the same trials, however they were cut into frames and ordered on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from telemetry.contract import marks
from telemetry.contract.documents import EventRefused
from telemetry.contract.frames import MarksFrame, StreamKey


class Mark(NamedTuple):
    """One event and where it stands: `time` is node time ns, `at` its place within the frame."""

    time: int
    key: StreamKey
    seq: int
    at: int
    event: marks.Event


@dataclass(frozen=True)
class Idle:
    """A rest of the device on one boot's clock, monotonic ns."""

    boot: str
    begin: int
    end: int
    time: int


@dataclass(frozen=True)
class Trial:
    """One trial as its marks tell it. `end` is None while it runs."""

    node: str
    begin: Mark
    end: Mark | None
    batches: tuple[Mark, ...]
    holes: tuple[Mark, ...]
    idle: Idle | None

    @property
    def opening(self) -> marks.TrialBegin:
        """The event that opened the trial."""
        assert isinstance(self.begin.event, marks.TrialBegin)  # noqa: S101 - how `Notebook` builds it
        return self.begin.event

    @property
    def closing(self) -> marks.TrialEnd | None:
        """The event that closed it."""
        return self.end.event if self.end and isinstance(self.end.event, marks.TrialEnd) else None


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


class Notebook:
    """The marks of one node. `add` says which trials a frame touches; `trial` tells one of them."""

    def __init__(self, node: str) -> None:
        self.node = node
        self._pages: dict[str, _Page] = {}
        self._idles: dict[str, Marks] = {}

    def add(self, key: StreamKey, frame: MarksFrame) -> set[str]:
        """Writes down a frame's events; adding one again changes nothing. The ids of the trials touched."""
        touched: set[str] = set()
        for at, event in enumerate(frame.events):
            mark = Mark(frame.anchor + event.t, key, frame.seq, at, event)
            if isinstance(event, (marks.IdleBegin, marks.IdleEnd)):
                _note(self._idles.setdefault(event.trial or event.group or "", {}), mark)
            elif isinstance(event, _OF_A_TRIAL) and event.trial is not None:
                self._write(event.trial, mark)
                touched.add(event.trial)
        return touched

    def trial(self, trial: str) -> Trial | None:
        """The trial of this id, or None while nothing has opened it."""
        page = self._pages.get(trial)
        if page is None or not page.begins:
            return None
        begin, end = min(page.begins.values()), min(page.ends.values(), default=None)
        opening = begin.event
        group = opening.group if isinstance(opening, marks.TrialBegin) else ""
        return Trial(
            node=self.node,
            begin=begin,
            end=end,
            batches=tuple(sorted(page.batches.values())),
            holes=tuple(sorted(page.holes.values())),
            idle=self._idle(trial, begin) or self._idle(group, begin),
        )

    def trials(self) -> list[Trial]:
        """Every trial that was opened, by its begin."""
        found = [trial for trial in map(self.trial, self._pages) if trial is not None]
        return sorted(found, key=lambda trial: trial.begin)

    def overlapping(self, trial: Trial) -> list[str]:
        """The ids of other trials that ran during this one; one without an end still runs."""
        begin, end = trial.begin.time, trial.end.time if trial.end else None
        return [
            name
            for name, page in self._pages.items()
            if name != trial.opening.trial
            and page.begins
            and (end is None or min(page.begins.values()).time < end)
            and (not page.ends or min(page.ends.values()).time > begin)
        ]

    def refused(self, trial: str, *, complete: bool) -> list[EventRefused]:
        """Events of one trial that contradict earlier ones.

        `complete`: no mark of this node is outstanding, so an end without a begin will stay one.
        """
        page = self._pages.get(trial, _Page())
        spare = [(mark, "a second trial_begin with this id") for mark in sorted(page.begins.values())[1:]]
        spare += [(mark, "a second trial_end of this trial") for mark in sorted(page.ends.values())[1:]]
        if not page.begins and complete:
            orphans = sorted([*page.ends.values(), *page.batches.values()])
            spare += [(mark, "no trial_begin with this id") for mark in orphans]
        return [_refusal(mark, trial, reason) for mark, reason in spare]

    def _write(self, trial: str, mark: Mark) -> None:
        page = self._pages.setdefault(trial, _Page())
        if isinstance(mark.event, marks.TrialBegin):
            _note(page.begins, mark)
        elif isinstance(mark.event, marks.TrialEnd):
            _note(page.ends, mark)
        elif isinstance(mark.event, marks.Batches):
            _note(page.batches, mark)
        else:
            _note(page.holes, mark)

    def _idle(self, owner: str, begin: Mark) -> Idle | None:
        """The rest that ended last before the trial began; the first one after it where there is none."""
        idles = _pairs(sorted(self._idles.get(owner, {}).values()))
        before = [idle for idle in idles if idle.time <= begin.time]
        return before[-1] if before else (idles[0] if idles else None)


def _note(marks_: Marks, mark: Mark) -> None:
    marks_[mark.key, mark.seq, mark.at] = mark


def _pairs(marks_: list[Mark]) -> list[Idle]:
    """Each idle_end with the idle_begin right before it on the same boot."""
    return [
        Idle(first.key.boot, first.event.t, last.event.t, last.time)
        for first, last in pairwise(marks_)
        if isinstance(first.event, marks.IdleBegin)
        and isinstance(last.event, marks.IdleEnd)
        and first.key.boot == last.key.boot
        and first.event.t < last.event.t
    ]


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
