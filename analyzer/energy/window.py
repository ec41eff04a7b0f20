"""The energy of one window, with its uncertainty, its state and the reasons: a pure function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analyzer.energy.aliasing import is_locked
from analyzer.energy.budget import budget, comparable_j, expanded_j
from analyzer.energy.facts import SensorFacts
from analyzer.energy.gaps import find_gaps
from analyzer.energy.integrate import NS_PER_S, Integral
from analyzer.energy.plausible import flags_of
from analyzer.energy.states import flags_in_order, in_order, judge
from analyzer.energy.trace import Ints, Trace
from analyzer.energy.view import View, look
from telemetry.contract.documents import BudgetLine, Flag, Reason, ResultState

# Below this share of a window within reach of readings, its energy is mostly a guess.
LEAST_COVERAGE = 0.95
# A window of fewer spacings (or averaging windows) is mostly edges.
LEAST_SPACINGS = 10
# A counter is updated about every 100 ms (NVML), so its difference needs a window where that is little.
COUNTER_FROM_S = 5.0


@dataclass(frozen=True)
class WindowEnergy:
    """What is known of a window. Numbers that are not known are None, never 0.

    ``energy_u95_j`` has every line of the budget, ``energy_u95_comparable_j`` all but the common gain.
    ``net_j`` is the energy above ``idle_w``. ``coverage`` is the share (0-1) of the window that is not in a
    long gap. ``counter_j`` is the hardware counter's answer to the same question.
    """

    begin_ns: int
    end_ns: int
    energy_j: float | None
    energy_u95_j: float | None
    energy_u95_comparable_j: float | None
    idle_w: float | None
    net_j: float | None
    budget: tuple[BudgetLine, ...]
    method: str
    coverage: float
    samples: int
    missed: int
    mean_w: float | None
    max_w: float | None
    counter_j: float | None
    state: ResultState
    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Known:
    """What the caller knows of a window besides its readings.

    ``batch_begin_ns`` are the begins of batches in the trace's time; ``clock_u95_ns`` is for a meter with a
    clock of its own; ``reasons`` and ``flags`` were found elsewhere and join those found here.
    """

    idle_w: float | None = None
    batch_begin_ns: Ints | None = None
    clock_u95_ns: int = 0
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
    view = look(trace.shifted(facts.delay_ns), facts, begin_ns, end_ns)
    if not len(view.watts):
        return _without_samples(view, known)
    return _with_samples(view, known)


def _with_samples(view: View, known: Known) -> WindowEnergy:
    gaps = find_gaps(view)
    integral = Integral(view.trace.times_ns, view.trace.watts, hold=view.facts.holds)
    energy_j = integral.energy_j(view.begin_ns, view.end_ns)
    lines = budget(view, energy_j, gaps, known.clock_u95_ns)
    coverage = 1.0 - gaps.uncovered_s / view.duration_s
    reasons = in_order((*_reasons(view, coverage, known), *known.reasons))
    flags = flags_in_order((*flags_of(view), *known.flags))
    return WindowEnergy(
        begin_ns=view.begin_ns,
        end_ns=view.end_ns,
        energy_j=energy_j,
        energy_u95_j=expanded_j(lines),
        energy_u95_comparable_j=comparable_j(lines),
        idle_w=known.idle_w,
        net_j=None if known.idle_w is None else energy_j - known.idle_w * view.duration_s,
        budget=lines,
        method=_method(view),
        coverage=coverage,
        samples=len(view.watts),
        missed=view.outer.missed(view.begin_ns, view.end_ns),
        mean_w=energy_j / view.duration_s,
        max_w=float(view.watts.max()),
        counter_j=None if "counter_back" in flags else _counter_j(view, integral),
        state=judge(reasons, flags),
        reasons=reasons,
        flags=flags,
    )


def _without_samples(view: View, known: Known) -> WindowEnergy:
    reasons, flags = in_order(("no_samples", *known.reasons)), flags_in_order(known.flags)
    return WindowEnergy(
        begin_ns=view.begin_ns,
        end_ns=view.end_ns,
        energy_j=None,
        energy_u95_j=None,
        energy_u95_comparable_j=None,
        idle_w=known.idle_w,
        net_j=None,
        budget=(),
        method=_method(view),
        coverage=0.0,
        samples=0,
        missed=view.outer.missed(view.begin_ns, view.end_ns),
        mean_w=None,
        max_w=None,
        counter_j=None,
        state=judge(reasons, flags),
        reasons=reasons,
        flags=flags,
    )


def _method(view: View) -> str:
    return "hold" if view.facts.holds else "trapezoid"


def _reasons(view: View, coverage: float, known: Known) -> Iterable[Reason]:
    if coverage < 1.0:
        yield "gap"
    if coverage < LEAST_COVERAGE:
        yield "coverage"
    if view.end_ns - view.begin_ns < LEAST_SPACINGS * max(view.spacing_ns, view.facts.averaging_ns):
        yield "short"
    if known.batch_begin_ns is not None and is_locked(view, known.batch_begin_ns):
        yield "locked_aliasing"


def _counter_j(view: View, integral: Integral) -> float | None:
    """Return the counter's energy: its difference inside the window, and the integral's at both ends.

    The counter is read at the ends of frames only. It has an answer where the window is long enough and its
    readings span half of it.
    """
    at = view.outer.counter_at_ns
    inside = np.flatnonzero((at >= view.begin_ns) & (at <= view.end_ns))
    if view.duration_s < COUNTER_FROM_S or len(inside) < 2:
        return None
    first, last = int(at[inside[0]]), int(at[inside[-1]])
    if (last - first) / NS_PER_S < view.duration_s / 2:
        return None
    counted = view.outer.counter_j[inside[-1]] - view.outer.counter_j[inside[0]]
    ends = integral.energy_j(view.begin_ns, first) + integral.energy_j(last, view.end_ns)
    return float(counted + ends)
