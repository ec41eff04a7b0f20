"""The uncertainty budget of a window's energy (GUM, JCGM 100): one line for each cause.

Every line is a standard uncertainty in joules. The lines of one window are independent of each other, so
they add in quadrature; `COVERAGE_FACTOR` makes the sum an interval of about 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.energy.decimation import sampling_u_j
from analyzer.energy.gaps import SQRT12, Gaps
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.view import View
from telemetry.contract.documents import BudgetLine

# JCGM 100 6.3.3: many inputs of similar size make a sum near normal, where k = 2 covers 95 %.
COVERAGE_FACTOR = 2.0


def expanded_j(lines: Sequence[BudgetLine], *, without: Sequence[str] = ()) -> float:
    """Return the 95 % uncertainty (J) of the lines but those named in `without`."""
    return COVERAGE_FACTOR * float(np.sqrt(sum(line.u_j**2 for line in lines if line.name not in without)))


def comparable_j(lines: Sequence[BudgetLine]) -> float:
    """Return the 95 % uncertainty that counts when two windows of one sensor are compared by ratio.

    A common gain cancels in a ratio. A common offset does not, once powers differ, so it stays.
    """
    return expanded_j(lines, without=("gain",))


def budget(view: View, energy_j: float, gaps: Gaps, clock_u95_ns: int = 0) -> tuple[BudgetLine, ...]:
    """Return every line of a window's budget; a cause that the manifest does not state is a line of zero."""
    noise = _noise(view)
    return (
        _gain(view, energy_j),
        _offset(view),
        _quantisation(view),
        noise,
        _line("sampling", sampling_u_j(view, noise.u_j), "every second reading left out"),
        _edge("edge_begin", view, view.begin_ns),
        _edge("edge_end", view, view.end_ns),
        _line("gaps", gaps.u_j(long=False), f"{_count(gaps, long=False)} interpolated"),
        _long_gaps(gaps),
        *_clock(view, clock_u95_ns),
    )


def _gain(view: View, energy_j: float) -> BudgetLine:
    gain = view.facts.gain_u
    if gain is None:
        return _line("gain", 0.0, "not stated", shared=True)
    return _line("gain", abs(energy_j) * gain, f"{gain:.2%} of the energy", shared=True)


def _offset(view: View) -> BudgetLine:
    offset = view.facts.offset_u_w
    if offset is None:
        return _line("offset", 0.0, "not stated", shared=True)
    return _line("offset", offset * view.duration_s, f"{offset:g} W for the whole window", shared=True)


def _noise(view: View) -> BudgetLine:
    noise = view.facts.noise_w
    if noise is None:
        return _line("noise", 0.0, "not stated")
    u_j = noise * view.duration_s / np.sqrt(view.updates)
    return _line("noise", float(u_j), f"{noise:g} W in each of {view.updates:.0f} readings")


def _quantisation(view: View) -> BudgetLine:
    step = view.facts.resolution_w
    if not step:
        return _line("quantisation", 0.0, "not stated" if step is None else "no step")
    share = np.sqrt(_kept_error(view, step) + 1.0 / view.updates)
    u_j = min(float(share), 1.0) * step / SQRT12 * view.duration_s
    return _line("quantisation", u_j, f"steps of {step:g} W")


def _kept_error(view: View, step_w: float) -> float:
    """Return the share (of variance) of the rounding error that averaging over readings does not remove.

    Every code the readings rest on has an error of its own, so a constant power keeps it all and a wandering
    one little. White noise of a good part of a step removes it (dither; first harmonic of the rounding
    error's characteristic function, exp(-4 π² σ²/step²)).
    """
    codes = np.round((view.watts - view.watts.min()) / step_w)
    spread = int(codes.max()) + 1
    if spread > 100_000:
        return 0.0
    share = np.bincount(codes.astype(np.int64)) / len(codes)
    dither = float(np.exp(-4.0 * (np.pi * (view.facts.noise_w or 0.0) / step_w) ** 2))
    return float(np.sum(share**2)) * dither


def _edge(name: str, view: View, at_ns: int) -> BudgetLine:
    """Return the line of an edge that falls between readings.

    Anywhere within a spacing T: step × T/√12. A sensor that averages over W ≥ T smears the step: the error
    is a bias within ± step × W/4 (rectangular, JCGM 100 4.3.7). Where the sensor's delay is not known, the
    stamps may be late by half of W as well, and the bound is taken whole.
    """
    step, between_s = edge_step_w(view, at_ns), view.spacing_s / SQRT12
    if view.facts.averaging_ns >= view.spacing_ns > 0:
        bound_s = view.averaging_s / 4
        smeared_s = bound_s / np.sqrt(3.0) if view.facts.delay_ns else bound_s
        return _line(name, step * float(max(smeared_s, between_s)), f"a step of {step:.3g} W, averaged")
    return _line(name, step * between_s, f"a step of {step:.3g} W between readings")


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


def _count(gaps: Gaps, *, long: bool) -> str:
    count = int(np.sum(gaps.long == long))
    return f"{count} gap" if count == 1 else f"{count} gaps"


def _long_gaps(gaps: Gaps) -> BudgetLine:
    if not gaps.long.any():
        return _line("long_gaps", 0.0, "none")
    low, high = gaps.low_w[gaps.long].min(), gaps.high_w[gaps.long].max()
    how = f"{_count(gaps, long=True)}, {gaps.uncovered_s:.3g} s, near {low:.3g}-{high:.3g} W"
    return _line("long_gaps", gaps.u_j(long=True), how)


def _clock(view: View, clock_u95_ns: int) -> tuple[BudgetLine, ...]:
    """Return the line of an external meter's clock: both edges move together, by the same time."""
    if not clock_u95_ns:
        return ()
    u_s = clock_u95_ns / COVERAGE_FACTOR / NS_PER_S
    step = max(edge_step_w(view, view.begin_ns), edge_step_w(view, view.end_ns))
    return (_line("clock", u_s * step, f"{u_s * 1e3:.3g} ms against a step of {step:.3g} W"),)


def _line(name: str, u_j: float, how: str, *, shared: bool = False) -> BudgetLine:
    return BudgetLine(name=name, u_j=u_j, how=how, shared=shared)
