"""The uncertainty budget of a window's energy (GUM, JCGM 100): one line for each cause."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analyzer.energy.batches import Pattern
from analyzer.energy.cells import Cells
from analyzer.energy.counter import Counted
from analyzer.energy.edges import DELAY_KNOWN, Course
from analyzer.energy.gaps import SQRT12, Gaps
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.lines import COVERAGE_FACTOR, Line
from analyzer.energy.trace import Floats
from analyzer.energy.variation import Variation
from analyzer.energy.view import View

# So many readings that a few which stand for longer than others do not matter.
MANY = 10_000
# Batches of these lengths, in units of the time that a reading stands for, are in phase with it at a mark.
# That counts so much more (variance) than a phase by chance.
SHORT_BATCH, LONG_BATCH = 0.2, 5.0
IN_PHASE = 2.5


@dataclass(frozen=True)
class Inputs:
    """All that the lines of one window are made of; `variation` is that of its updates, without `pattern`."""

    view: View
    course: Course
    cells: Cells
    variation: Variation
    gaps: Gaps
    pattern: Pattern | None = None
    clock_u95_ns: int = 0
    batch_s: float = 0.0


def budget(inputs: Inputs, energy_j: float) -> tuple[Line, ...]:
    """Return every line of an integral; a cause that the manifest does not state is a line of zero."""
    edges = _marked_edges(inputs) if inputs.course.is_marked else _cut_edges(inputs.view)
    return (
        *_systematic(inputs.view, energy_j),
        _quantisation(inputs),
        _noise(inputs),
        _sampling(inputs),
        *_locked(inputs.pattern),
        *edges,
        _delay(inputs),
        *_gaps(inputs),
        *_clock(inputs),
    )


def counter_budget(inputs: Inputs, counted: Counted, energy_j: float) -> tuple[Line, ...]:
    """Return the lines of a counter's answer: it sees all the time, but is renewed only now and then."""
    period_s = inputs.view.facts.period_ns / NS_PER_S
    age = f"renewed every {period_s * 1e3:g} ms"
    inner_j = period_s * float(np.sqrt(inputs.variation.moved(0.0) / 6))
    return (
        *_systematic(inputs.view, energy_j),
        Line("counter_begin", counted.begin_u_j, age, flat=True),
        Line("counter_end", counted.end_u_j, age, flat=True),
        Line("counter_inner", inner_j, "what power does between the counter's last renewal and the marks"),
        *_clock(inputs),
    )


def _systematic(view: View, energy_j: float) -> tuple[Line, Line]:
    gain, offset = view.facts.gain_u, view.facts.offset_u_w
    return (
        Line("gain", 0.0, "not stated", shared=True)
        if gain is None
        else Line("gain", abs(energy_j) * gain, f"{gain:.2%} of the energy", shared=True),
        Line("offset", 0.0, "not stated", shared=True)
        if offset is None
        else Line("offset", offset * view.duration_s, f"{offset:g} W for the whole window", shared=True),
    )


def _noise(inputs: Inputs) -> Line:
    """Return the line of white noise: each reading's counts for as long as it stands for the power."""
    view, count = inputs.view, max(len(inputs.cells.watts), 1)
    noise = view.facts.noise_w
    if noise is None:
        return Line("noise", 0.0, "not stated")
    stands_s = view.duration_s / np.sqrt(count)
    if 1 < count < MANY:
        stands_s = float(np.linalg.norm(inputs.cells.weights_s(view.begin_ns, view.end_ns)))
    if not view.is_polled and 0 < view.tick_ns < view.spacing_ns:
        # Some readings repeat the last one, and with it its noise.
        stands_s *= float(np.sqrt(view.spacing_ns / view.tick_ns))
    return Line("noise", float(noise * stands_s), f"{noise:g} W in each of {count} readings")


def _quantisation(inputs: Inputs) -> Line:
    view, watts = inputs.view, inputs.cells.watts
    step = view.facts.resolution_w
    if not step:
        return Line("quantisation", 0.0, "not stated" if step is None else "no step")
    kept = _kept_error(watts, step, view.facts.noise_w or 0.0)
    u_j = min(float(np.sqrt(kept + 1.0 / max(len(watts), 1))), 1.0) * step / SQRT12 * view.duration_s
    return Line("quantisation", u_j, f"steps of {step:g} W", flat=kept > 0.5)


def _kept_error(watts: Floats, step_w: float, noise_w: float) -> float:
    """Return the share (of variance) of the rounding error that averaging over readings does not remove.

    Every code the readings rest on has an error of its own, so a constant power keeps it all and a wandering
    one little. White noise of a good part of a step removes it (dither; first harmonic of the rounding
    error's characteristic function, exp(-4 π² σ²/step²)).
    """
    codes = np.round((watts - watts.min()) / step_w)
    spread = int(codes.max()) + 1
    if spread > 100_000:
        return 0.0
    share = np.bincount(codes.astype(np.int64)) / len(codes)
    return float(np.sum(share**2)) * float(np.exp(-4.0 * (np.pi * noise_w / step_w) ** 2))


def _sampling(inputs: Inputs) -> Line:
    """Return the line of what happens between readings: each step of the sensor has an error of its own."""
    view, variation = inputs.view, inputs.variation
    count = max(len(variation.watts), 1)
    variance = variation.missed_w2(view.unseen) * _step_s2(view, variation) * count
    if inputs.pattern:
        variance *= inputs.pattern.growth
    if view.is_polled:
        # When a held value changed is known to a tick.
        variance += variation.moved(0.0) * count * (view.tick_ns / NS_PER_S) ** 2 / 12
    kind = "between jumps and noise" if 0 < variation.wild < 1 else "noise" if variation.wild else "jumps"
    how = f"{1 - view.unseen:.0%} of the time seen, what varies is {kind}"
    return Line("sampling", float(np.sqrt(variance)), how, dof=_dof(inputs))


def _step_s2(view: View, variation: Variation) -> float:
    """Return the square of the stretch (s²) of which one reading tells.

    Of a held value that is not read often, nobody sees the age: that adds to where a jump may have been. And
    where it is read more often than renewed, some readings are no news.
    """
    if view.is_polled or not view.tick_ns:
        return (view.spacing_s or view.duration_s / max(len(variation.watts), 1)) ** 2
    tick_s, held_s = view.tick_ns / NS_PER_S, view.facts.holds * view.facts.period_ns / NS_PER_S
    jumps, noise = tick_s**2 + held_s**2, tick_s * max(tick_s, held_s)
    return variation.wild * noise + (1.0 - variation.wild) * jumps


def _dof(inputs: Inputs) -> float:
    """Return how many readings' worth of scatter the variation rests on: differences share readings."""
    fitted = 2 * inputs.pattern.harmonics + 2 if inputs.pattern else 0
    return max((len(inputs.variation.watts) - fitted) / 2, 1.0)


def _locked(pattern: Pattern | None) -> tuple[Line, ...]:
    """Return the lines of harmonics that were not fitted; of slow ones either all is true or none."""
    if pattern is None:
        return ()
    return (
        Line("pattern", pattern.locked_j, f"harmonics of a batch beyond the {pattern.harmonics} fitted ones"),
        Line("beat", pattern.slow_j / math.sqrt(3.0), "batches nearly in step with the readings", flat=True),
    )


def _marked_edges(inputs: Inputs) -> tuple[Line, Line]:
    """Return the lines of edges at marks: how long a value stands in, and how far power moves meanwhile."""
    course, watts = inputs.course, inputs.cells.watts
    return (
        _stand_in("edge_begin", inputs, course.begin_s, watts),
        _stand_in("edge_end", inputs, course.end_s, watts[::-1]),
    )


def _stand_in(name: str, inputs: Inputs, stands_s: float, watts: Floats) -> Line:
    """Return the line of one edge at a mark.

    A reading of a point in time stands for a stretch with a third of the variance that power gathers over it
    (jumps), or half (no memory); one that averages is itself off by its own width. Power that varies within
    the averaging leaves up to half a batch at the edge unseen, as large as the readings' own scatter. How far
    power moves is taken from all of the window and from its first readings (`watts`, from the edge inwards):
    a ramp may be steeper there than elsewhere. Batches of about such a length begin and end at the marks:
    what a reading misses there is no matter of chance, but the same part of a batch every time.
    """
    variation, window_s = inputs.variation, inputs.view.averaging_s
    how = f"{stands_s * 1e3:.3g} ms of which the nearest reading tells"
    if stands_s:
        share = min(1 / 3 + variation.wild / 6 + 2 / 3 * min(window_s / stands_s, 1.0), 1.0)
        if window_s > variation.step_s:
            share /= 2
        here = float(watts[min(variation.lag(stands_s), len(watts) - 1)] - watts[0]) ** 2
        variance = share * stands_s**2 * (variation.moved(stands_s) + here) / 1.75
        if SHORT_BATCH * stands_s <= inputs.batch_s <= LONG_BATCH * stands_s:
            variance *= IN_PHASE
    else:
        variance = 0.0
    variance += variation.wild * window_s**2 * variation.moved(0.0) / 2
    return Line(name, float(np.sqrt(variance)), how, dof=_dof(inputs))


def _cut_edges(view: View) -> tuple[Line, Line]:
    return _cut("edge_begin", view, view.begin_ns), _cut("edge_end", view, view.end_ns)


def _cut(name: str, view: View, at_ns: int) -> Line:
    """Return the line of an edge that falls anywhere between readings.

    Within a spacing T: step × T/√12. A sensor that averages over W ≥ T smears the step: the error
    is a bias within ± step × W/4 (rectangular, JCGM 100 4.3.7). Where the sensor's delay is not known, the
    stamps may be late by half of W as well, and the bound is taken whole.
    """
    step, between_s = edge_step_w(view, at_ns), view.spacing_s / SQRT12
    if view.facts.averaging_ns >= view.spacing_ns > 0:
        bound_s = view.averaging_s / 4
        smeared_s = bound_s / np.sqrt(3.0) if view.facts.delay_ns else bound_s
        return Line(
            name, step * float(max(smeared_s, between_s)), f"a step of {step:.3g} W, averaged", flat=True
        )
    return Line(name, step * between_s, f"a step of {step:.3g} W between readings", flat=True)


def edge_step_w(view: View, at_ns: int) -> float:
    """Return the range of power (W) within one spacing or one averaging window of an edge."""
    reach = max(view.spacing_ns, view.facts.averaging_ns)
    times, last = view.outer.times_ns, len(view.outer.times_ns)
    first = min(int(np.searchsorted(times, at_ns - reach)), int(np.searchsorted(times, at_ns, "right")) - 1)
    stop = max(
        int(np.searchsorted(times, at_ns + reach, "right")), int(np.searchsorted(times, at_ns, "left")) + 1
    )
    near = view.outer.watts[max(first, 0) : min(stop, last)]
    return float(near.max() - near.min()) if len(near) else 0.0


def _delay(inputs: Inputs) -> Line:
    """Return the line of a delay that is stated only so well: both edges see another moment than they should.

    Between marks that is what power gained from one edge to the other, times the error; where edges are cut
    anywhere, the steps near them count.
    """
    view = inputs.view
    if not view.facts.delay_ns:
        return Line("delay", 0.0, "not stated")
    u_s = DELAY_KNOWN * view.facts.period_ns / NS_PER_S / np.sqrt(3.0)
    step = _step_between(inputs)
    return Line("delay", float(u_s * step), f"{u_s * 1e3:.3g} ms against a step of {step:.3g} W", flat=True)


def _step_between(inputs: Inputs) -> float:
    """Return how far power at the begin is from that at the end (W), as far as readings tell."""
    if inputs.course.is_marked:
        watts = inputs.cells.watts
        return float(abs(watts[-1] - watts[0]))
    view = inputs.view
    return max(edge_step_w(view, view.begin_ns), edge_step_w(view, view.end_ns))


def _gaps(inputs: Inputs) -> tuple[Line, Line]:
    gaps = inputs.gaps
    short = Line("gaps", gaps.short_u_j(inputs.variation), f"{_count(gaps, long=False)} interpolated")
    if not gaps.long.any():
        return short, Line("long_gaps", 0.0, "none")
    low, high = gaps.low_w[gaps.long].min(), gaps.high_w[gaps.long].max()
    how = f"{_count(gaps, long=True)}, {gaps.uncovered_s:.3g} s, near {low:.3g}-{high:.3g} W"
    return short, Line("long_gaps", gaps.long_u_j(), how)


def _count(gaps: Gaps, *, long: bool) -> str:
    count = int(np.sum(gaps.long == long))
    return f"{count} gap" if count == 1 else f"{count} gaps"


def _clock(inputs: Inputs) -> tuple[Line, ...]:
    """Return the line of an external meter's clock: both edges move together, by the same time.

    Between marks the readings near them are left out, so that no step is within the clock's reach; what
    remains is the power gained at one edge less that lost at the other.
    """
    if not inputs.clock_u95_ns:
        return ()
    u_s = inputs.clock_u95_ns / COVERAGE_FACTOR / NS_PER_S
    step = _step_between(inputs)
    if inputs.course.is_marked:
        step = float(np.hypot(step, np.sqrt(inputs.variation.moved(u_s))))
    return (Line("clock", u_s * step, f"{u_s * 1e3:.3g} ms against a step of {step:.3g} W"),)
