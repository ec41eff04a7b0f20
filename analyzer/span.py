"""A window on the clocks of the boots it touches, and which numbered frames it needs of each.

Pure. A window lives in one time base; a boot's monotonic time plus `shift` is that base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.contract.frames import PowerFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import lost_of
from telemetry.contract.nodetime import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.frames import Frame
    from telemetry.store.interface import Account, Place


@dataclass(frozen=True)
class Span:
    """The window on one boot's monotonic clock, ns. `shift` + monotonic is the window's time base."""

    boot: str
    begin: int
    end: int
    shift: int

    def wider(self, before_ns: int, after_ns: int) -> Span:
        """The same span with room on both sides, as far as 64 bits go."""
        begin, end = _clamped(self.begin - before_ns), _clamped(self.end + after_ns)
        return Span(self.boot, begin, end, self.shift)


def on_own_clock(boot: str, anchor: int, begin: int, end: int) -> Span:
    """A window in node time, on a boot that has this anchor."""
    return Span(boot, _clamped(begin - anchor), _clamped(end - anchor), anchor)


def needed(frames: Sequence[Frame], begin: int, through: int | None) -> IntervalSet:
    """The numbers from the frame that `begin` (monotonic ns) lies in up to `through`, held or not.

    `frames` are those held around the span. Numbers rise with time, so the last frame that begins at or
    before `begin` is the lowest one needed; one without a sample tells nothing of that moment, and the one
    before it is needed too. `through` None: nothing is known of it, and the last one held stands for it.
    """
    first = max((frame.seq for frame in frames if frame.t0 <= begin and _tells(frame)), default=0)
    if through is None:
        through = max((frame.seq for frame in frames), default=-1)
    return IntervalSet([(first, through)]) if through >= first else IntervalSet()


def reaching(frames: Sequence[Frame], end: int) -> int | None:
    """The number of the first held frame whose last sample is at or after `end` (monotonic ns)."""
    past = (f.seq for f in frames if isinstance(f, PowerFrame) and f.samples and f.last >= end)
    return min(past, default=None)


def reported_end(place: Place | None, end: int) -> int | None:
    """The last number that the node's own word gives a sequence up to `end` (monotonic ns); None: no word.

    A report that is not the last one speaks of `end` when it was made later than that.
    """
    if place is None or place.report is None:
        return None
    report = place.report
    if report.health.final or (place.anchor is not None and report.as_of - place.anchor >= end):
        return report.health.next_seq - 1
    return None


@dataclass(frozen=True)
class Holes:
    """How many frames a window needs and the store does not hold, by whether they may still come."""

    missing: int = 0
    lost: int = 0
    dead: int = 0

    def __add__(self, other: Holes) -> Holes:
        return Holes(self.missing + other.missing, self.lost + other.lost, self.dead + other.dead)


def explain(absent: IntervalSet, account: Account | None) -> Holes:
    """Why frames are not held: in quarantine, declared lost by their node, or still to come."""
    if account is None:
        return Holes(missing=len(absent))
    dead = absent & account.dead
    lost = (absent - dead) & lost_of(account.report.health if account.report else None)
    return Holes(len(absent) - len(lost) - len(dead), len(lost), len(dead))


def _tells(frame: Frame) -> bool:
    return not isinstance(frame, PowerFrame) or frame.samples > 0


def _clamped(time_ns: int) -> int:
    return min(max(time_ns, INT64_MIN), INT64_MAX)
