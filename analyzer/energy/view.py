"""A window as the arithmetic sees it: its times, its readings and the spacing to be expected of them."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.energy.facts import SensorFacts
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints, Trace

# Read so often in a period, a held value tells when it was renewed.
OFTEN = 4


@dataclass(frozen=True)
class View:
    """A window over a trace whose stamps are already shifted by the sensor's delay.

    `outer` is all that was given; `trace` has the readings inside and one more on either side, and `inside`
    is the slice of the inner ones. `tick_ns` is the mean tick, `spacing_ns` the larger of it and the sensor's
    period.
    """

    outer: Trace
    trace: Trace
    facts: SensorFacts
    begin_ns: int
    end_ns: int
    inside: slice
    spacing_ns: int
    tick_ns: int = 0
    is_marked: bool = False

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.begin_ns) / NS_PER_S

    @property
    def times_ns(self) -> Ints:
        """The stamps of the readings inside."""
        return self.trace.times_ns[self.inside]

    @property
    def watts(self) -> Floats:
        """The readings inside."""
        return self.trace.watts[self.inside]

    @property
    def spacing_s(self) -> float:
        return self.spacing_ns / NS_PER_S

    @property
    def averaging_s(self) -> float:
        return self.facts.averaging_ns / NS_PER_S

    @property
    def is_polled(self) -> bool:
        """Whether a held value is read so often that it shows several times, and when it was renewed."""
        return self.facts.holds and OFTEN * self.tick_ns <= self.facts.period_ns

    @property
    def holds(self) -> bool:
        """Whether a value stands until the next reading: not where it is as old as the next one is new."""
        return self.is_polled or (self.facts.holds and not self.facts.period_ns)

    @property
    def unseen(self) -> float:
        """The share of time over which the sensor does not average: 0 where it sees all of it."""
        if not self.spacing_ns:
            return 1.0
        return max(1.0 - self.facts.averaging_ns / self.spacing_ns, 0.0)


def look(trace: Trace, facts: SensorFacts, begin_ns: int, end_ns: int, *, is_marked: bool = False) -> View:
    """Return the view of a window; its readings may be none."""
    near = trace.around(begin_ns, end_ns)
    inside = near.inside(begin_ns, end_ns)
    ticks = near.tick_ns[inside]
    tick_ns = round(float(ticks.mean())) if len(ticks) else 0
    return View(
        trace, near, facts, begin_ns, end_ns, inside, max(tick_ns, facts.period_ns), tick_ns, is_marked
    )
