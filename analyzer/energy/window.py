"""The energy of one window, with its uncertainty, its state and the reasons: a pure function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analyzer.energy.aliasing import is_locked
from analyzer.energy.batches import Pattern, find_pattern
from analyzer.energy.budget import Inputs, budget, counter_budget
from analyzer.energy.cells import Cells, bridged, cells_of
from analyzer.energy.counter import Counted, count
from analyzer.energy.edges import course_of
from analyzer.energy.facts import SensorFacts
from analyzer.energy.gaps import Gaps, find_gaps
from analyzer.energy.integrate import NS_PER_S, Integral
from analyzer.energy.lines import COVERAGE_FACTOR, Line, comparable_j, expanded_j
from analyzer.energy.plausible import flags_of
from analyzer.energy.states import flags_in_order, in_order, judge
from analyzer.energy.trace import Ints, Trace
from analyzer.energy.variation import Variation
from analyzer.energy.view import View, look
from telemetry.contract.documents import Flag, Reason, ResultState

# Below this share of a window within reach of readings, its energy is mostly a guess.
LEAST_COVERAGE = 0.95
# A window of fewer updates, or averaging windows, is mostly edges.
LEAST_SPACINGS = 20
LEAST_AVERAGES = 10
# What a sensor with blind time missed is estimated from the readings' scatter, which takes more of them.
LEAST_READINGS = 40
# A sensor that misses this share of the time or less is as good as one that sees all of it.
BLIND = 0.5
# Of a window with more of it interpolated, even in short gaps, too much is guessed.
MOST_BRIDGED = 0.1
# A counter that is further from the integral than this share, and than both allow, is not believed.
AGREE = 0.05


@dataclass(frozen=True)
class WindowEnergy:
    """What is known of a window. Numbers that are not known are None, never 0.

    ``energy_u95_j`` has every line of the budget, ``energy_u95_comparable_j`` all but the common gain.
    ``coverage`` is the share (0-1) of the window that is not in a long gap. ``counter_j`` is the hardware
    counter's answer to the same question and ``integral_j`` that of the readings; `method` says which of them
    `energy_j` is.
    """

    begin_ns: int
    end_ns: int
    energy_j: float | None
    energy_u95_j: float | None
    energy_u95_comparable_j: float | None
    budget: tuple[Line, ...]
    method: str
    coverage: float
    samples: int
    missed: int
    mean_w: float | None
    max_w: float | None
    counter_j: float | None
    integral_j: float | None
    state: ResultState
    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Known:
    """What the caller knows of a window besides its readings.

    ``batch_begin_ns`` are the begins of batches in the trace's time; ``clock_u95_ns`` is for a meter with a
    clock of its own; ``is_marked`` says that power may step at the edges, as at a trial's;
    ``reasons`` and ``flags`` were found elsewhere and join those found here.
    """

    batch_begin_ns: Ints | None = None
    clock_u95_ns: int = 0
    is_marked: bool = False
    reasons: tuple[Reason, ...] = ()
    flags: tuple[Flag, ...] = ()


NOTHING_MORE = Known()


def measure(
    trace: Trace, facts: SensorFacts, begin_ns: int, end_ns: int, known: Known = NOTHING_MORE
) -> WindowEnergy:
    """Return the energy from `begin_ns` to `end_ns`.

    The trace should reach `facts.margin_ns` beyond both edges, so that the same window always sees the same
    readings. A window without a reading inside has no energy.

    Raises:
        ValueError: the window does not end after it begins.
    """
    if end_ns <= begin_ns:
        raise ValueError(f"a window must end after it begins: {begin_ns} .. {end_ns}")
    view = look(trace.shifted(facts.delay_ns), facts, begin_ns, end_ns, is_marked=known.is_marked)
    if not len(view.watts):
        return _without_samples(view, known)
    return _with_samples(view, known)


def _with_samples(view: View, known: Known) -> WindowEnergy:
    inputs, integral = _inputs(view, known)
    flags = flags_in_order((*flags_of(view), *known.flags))
    integral_j = integral.energy_j(view.begin_ns, view.end_ns)
    integral_j -= inputs.pattern.excess_j if inputs.pattern else 0.0
    lines = budget(inputs, integral_j)
    counted = None if "counter_back" in flags else count(view, integral)
    energy_j, method, locked = integral_j, _method(view, inputs.pattern), _is_locked(inputs, known, lines)
    if counted and _counter_answers(counted, integral_j, lines):
        # A counter sees all the time: no load keeps step with it.
        energy_j, method, locked = counted.energy_j, "counter", False
        lines = counter_budget(inputs, counted, energy_j)
    reasons = in_order((*_reasons(view, inputs.gaps, is_locked=locked), *known.reasons))
    return WindowEnergy(
        begin_ns=view.begin_ns,
        end_ns=view.end_ns,
        energy_j=energy_j,
        energy_u95_j=expanded_j(lines),
        energy_u95_comparable_j=comparable_j(lines),
        budget=lines,
        method=method,
        coverage=_coverage(view, inputs.gaps),
        samples=len(view.watts),
        missed=view.outer.missed(view.begin_ns, view.end_ns),
        mean_w=energy_j / view.duration_s,
        max_w=float(view.watts.max()),
        counter_j=counted.energy_j if counted else None,
        integral_j=integral_j,
        state=judge(reasons, flags),
        reasons=reasons,
        flags=flags,
    )


def _inputs(view: View, known: Known) -> tuple[Inputs, Integral]:
    """Return what the budget is made of, and the power integrated."""
    course = course_of(view, known.clock_u95_ns)
    bridge, cells = bridged(course, view), cells_of(view, course)
    if not len(cells.watts):
        cells = Cells(view.times_ns, view.watts)
    pattern = _pattern(view, cells, known)
    rest = pattern.rest_w if pattern else cells.watts
    variation = Variation(rest, view.spacing_s, view.facts.noise_w or 0.0)
    batch_s = _batch_s(known)
    inputs = Inputs(view, course, cells, variation, find_gaps(view), pattern, known.clock_u95_ns, batch_s)
    return inputs, Integral(bridge.times_ns, bridge.watts, hold=view.holds)


def _batch_s(known: Known) -> float:
    """Return how long a batch usually takes; 0: there are none."""
    if known.batch_begin_ns is None or len(known.batch_begin_ns) < 2:
        return 0.0
    return float(np.median(np.diff(np.sort(known.batch_begin_ns)))) / NS_PER_S


def _pattern(view: View, cells: Cells, known: Known) -> Pattern | None:
    """Return what follows the batches, where the sensor does not see all the time."""
    if known.batch_begin_ns is None or not view.unseen:
        return None
    begins = np.sort(known.batch_begin_ns)
    begins = begins[(begins >= view.begin_ns) & (begins < view.end_ns)]
    weights_s = cells.weights_s(view.begin_ns, view.end_ns)
    return find_pattern(cells.times_ns, cells.watts, weights_s, begins, view.end_ns)


def _counter_answers(counted: Counted, integral_j: float, lines: tuple[Line, ...]) -> bool:
    """Whether the counter's energy is the window's: read near both marks, not at odds with the readings."""
    apart_j = abs(counted.energy_j - integral_j)
    return counted.is_near and apart_j <= max(AGREE * abs(integral_j), 2 * comparable_j(lines))


def _without_samples(view: View, known: Known) -> WindowEnergy:
    reasons, flags = in_order(("no_samples", *known.reasons)), flags_in_order(known.flags)
    return WindowEnergy(
        begin_ns=view.begin_ns,
        end_ns=view.end_ns,
        energy_j=None,
        energy_u95_j=None,
        energy_u95_comparable_j=None,
        budget=(),
        method=_method(view),
        coverage=0.0,
        samples=0,
        missed=view.outer.missed(view.begin_ns, view.end_ns),
        mean_w=None,
        max_w=None,
        counter_j=None,
        integral_j=None,
        state=judge(reasons, flags),
        reasons=reasons,
        flags=flags,
    )


def _method(view: View, pattern: Pattern | None = None) -> str:
    return ("hold" if view.holds else "trapezoid") + ("+batches" if pattern and pattern.harmonics else "")


def _coverage(view: View, gaps: Gaps) -> float:
    return 1.0 - gaps.uncovered_s / view.duration_s


def _reasons(view: View, gaps: Gaps, *, is_locked: bool) -> Iterable[Reason]:
    coverage, bridged_s = _coverage(view, gaps), float(gaps.inside_s.sum())
    if coverage < 1.0 or bridged_s > MOST_BRIDGED * view.duration_s:
        yield "gap"
    if coverage < LEAST_COVERAGE:
        yield "coverage"
    if _is_short(view):
        yield "short"
    if is_locked:
        yield "locked_aliasing"


def _is_locked(inputs: Inputs, known: Known, lines: tuple[Line, ...]) -> bool:
    """Return whether batches may run in step with the readings, so that their scatter tells nothing."""
    pattern = inputs.pattern
    if pattern and pattern.is_locked:
        return True
    if pattern and any(_outweighs(name, lines) for name in ("pattern", "beat")):
        return True
    return known.batch_begin_ns is not None and is_locked(inputs.view, known.batch_begin_ns)


def _outweighs(name: str, lines: tuple[Line, ...]) -> bool:
    """Return whether what one line stands for is more than all the others together allow."""
    u_j = max(line.u_j for line in lines if line.name == name)
    return COVERAGE_FACTOR * u_j > comparable_j([line for line in lines if line.name != name])


def _is_short(view: View) -> bool:
    least = LEAST_READINGS if view.unseen > BLIND else LEAST_SPACINGS
    longest = max(least * view.spacing_ns, LEAST_AVERAGES * view.facts.averaging_ns)
    return view.end_ns - view.begin_ns < longest
