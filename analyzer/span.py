"""A window on the clocks of the boots it touches, and which numbered frames it needs of each.

Pure. A window lives in one time base; a boot's monotonic time plus `shift` is that base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.frames import Frame
    from telemetry.store.interface import Account


@dataclass(frozen=True)
class Span:
    """The window on one boot's monotonic clock, ns. `shift` + monotonic is the window's time base."""

    boot: str
    begin: int
    end: int
    shift: int

    def around(self, margin_ns: int) -> Span:
        """The same span, wider on both sides."""
        return Span(self.boot, self.begin - margin_ns, self.end + margin_ns, self.shift)


def needed(frames: Sequence[Frame], span: Span, through: int | None) -> IntervalSet:
    """The numbers that a span may draw on, held or not.

    `frames` are those held around the span, by time. Numbers rise with time, so the last frame that begins
    at or before the span is the lowest one needed. `through` is the highest; None: the first frame that
    begins at or after the end, or the last one held.
    """
    first = max((frame.seq for frame in frames if frame.t0 <= span.begin), default=0)
    if through is None:
        after = [frame.seq for frame in frames if frame.t0 >= span.end]
        through = min(after) if after else max((frame.seq for frame in frames), default=-1)
    return IntervalSet([(first, through)]) if through >= first else IntervalSet()


@dataclass(frozen=True)
class Holes:
    """How many frames a window needs and the store does not hold, by whether they may still come."""

    missing: int = 0
    lost: int = 0
    dead: int = 0

    def __add__(self, other: Holes) -> Holes:
        return Holes(self.missing + other.missing, self.lost + other.lost, self.dead + other.dead)


def explain(absent: IntervalSet, account: Account | None) -> Holes:
    """Why frames are not held: declared lost by their node, in quarantine, or still to come."""
    if account is None:
        return Holes(missing=len(absent))
    report = account.report
    lost = absent & IntervalSet((r[0], r[1]) for r in (report.health.declared_lost if report else ()))
    dead = (absent - lost) & account.dead
    return Holes(len(absent) - len(lost) - len(dead), len(lost), len(dead))
