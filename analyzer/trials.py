"""One trial as its marks tell it, and the window that they span. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analyzer.mark import Mark
from analyzer.rests import Idle
from analyzer.span import Span, on_own_clock
from telemetry.contract import marks

if TYPE_CHECKING:
    from collections.abc import Mapping


class Boot(NamedTuple):
    """A boot of the agent: the kernel's boot it is of, and the monotonic ns of its first manifest."""

    name: str
    os_boot: str
    start: int


class Window(NamedTuple):
    """From `begin` to `end`, node time ns. `one_clock`: both marks were made by one monotonic clock."""

    begin: int
    end: int
    one_clock: bool


@dataclass(frozen=True)
class Trial:
    """One trial. `end` and `window` are None while it runs; `boots` are those that it ran in, by time.

    `rests` are the rest before it, and the one after it, as far as the device rested.
    """

    node: str
    begin: Mark
    end: Mark | None
    batches: tuple[Mark, ...] = ()
    holes: tuple[Mark, ...] = ()
    rests: tuple[Idle, ...] = ()
    window: Window | None = None
    boots: tuple[str, ...] = ()

    @property
    def idle(self) -> Idle | None:
        """The rest that its idle power is taken from."""
        return self.rests[0] if self.rests else None

    @property
    def opening(self) -> marks.TrialBegin:
        """The event that opened the trial."""
        assert isinstance(self.begin.event, marks.TrialBegin)  # noqa: S101 - how `Notebook` builds it
        return self.begin.event

    @property
    def closing(self) -> marks.TrialEnd | None:
        """The event that closed it."""
        return self.end.event if self.end and isinstance(self.end.event, marks.TrialEnd) else None


def window_of(begin: Mark, end: Mark, boots: Mapping[str, Boot]) -> Window:
    """The window of a trial.

    On one monotonic clock it is as long as that clock says, whatever the wall clock did in between. A device
    that was started anew has another one: then the boots' own anchors are all there is to place the end by.
    """
    if _one_clock(begin, end, boots):
        return Window(begin.time, begin.time + max(end.event.t - begin.event.t, 1), one_clock=True)
    return Window(begin.time, max(end.time, begin.time + 1), one_clock=False)


def spans_of(trial: Trial) -> list[Span]:
    """The window of an ended trial on the clock of each boot that it touches, by time."""
    window, end = trial.window, trial.end
    if window is None or end is None:
        return []
    if window.one_clock:
        at, shift = trial.begin.event.t, trial.begin.anchor
        return [Span(boot, at, at + window.end - window.begin, shift) for boot in trial.boots]
    anchors = {mark.key.boot: mark.anchor for mark in (trial.begin, end)}
    return [on_own_clock(boot, anchor, window.begin, window.end) for boot, anchor in anchors.items()]


def _one_clock(begin: Mark, end: Mark, boots: Mapping[str, Boot]) -> bool:
    if begin.key.boot == end.key.boot:
        return True
    first, last = boots.get(begin.key.boot), boots.get(end.key.boot)
    if first is None or last is None:
        return end.event.t > begin.event.t
    return bool(first.os_boot) and first.os_boot == last.os_boot
