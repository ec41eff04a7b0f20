"""A window as the arithmetic sees it: its times, its readings and the spacing to be expected of them."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.energy.facts import SensorFacts
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints, Trace


@dataclass(frozen=True)
class View:
    """A window over a trace whose stamps are already shifted by the sensor's delay.

    `outer` is all that was given; `trace` has the readings inside and one more on either side, and `inside`
    is the slice of the inner ones. `spacing_ns` is the larger of the mean tick and the sensor's period.
    """

    outer: Trace
    trace: Trace
    facts: SensorFacts
    begin_ns: int
    end_ns: int
    inside: slice
    spacing_ns: int

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
    def updates(self) -> float:
        """How many readings are news: a sensor polled faster than it updates repeats itself."""
        if not self.spacing_ns:
            return max(1.0, len(self.watts))
        return max(1.0, min(float(len(self.watts)), self.duration_s / self.spacing_s))


def look(trace: Trace, facts: SensorFacts, begin_ns: int, end_ns: int) -> View:
    """Return the view of a window; its readings may be none."""
    near = trace.around(begin_ns, end_ns)
    inside = near.inside(begin_ns, end_ns)
    ticks = near.tick_ns[inside]
    tick_ns = round(float(ticks.mean())) if len(ticks) else 0
    return View(trace, near, facts, begin_ns, end_ns, inside, max(tick_ns, facts.period_ns))
