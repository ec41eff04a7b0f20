"""What the sampling itself may have missed, judged by thinning a window's own readings."""

from __future__ import annotations

import numpy as np

from analyzer.energy.gaps import JITTER
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints
from analyzer.energy.view import View

# By what factor the error's variance grows when every second reading is dropped: 2 where neighbours know
# nothing of each other, 4 for steps between readings, 16 for smooth curves. Above 8 an estimate is mostly
# luck, and with few readings only the cautious end can be defended.
GROWTH = (2.0, 8.0)
ENOUGH = 32
# Readings looked at in one go: their columns stay in the processor's cache.
BLOCK = 8_192


def sampling_u_j(view: View, noise_j: float = 0.0) -> float:
    """Return the standard uncertainty (J) of the energy from sampling power at points.

    The window is integrated with all readings, with every second and with every fourth. Local differences
    are summed as squares, since the errors of single steps and bursts have independent signs. Their growth
    from one thinning to the next gives the order of the error, and so what is left with all readings
    (Richardson's extrapolation, of variances). A sensor that averages over W of each spacing has seen that
    share; `noise_j` is known white noise, which the differences contain too.

    A load locked to the sampling cannot be seen this way: `aliasing.py`.
    """
    unseen = 1.0 - view.facts.averaging_ns / view.spacing_ns if view.spacing_ns else 1.0
    times, watts = _updates(view)
    if unseen <= 0 or len(watts) < 3:
        return 0.0
    once, twice = _thinning_variance(times, watts, 1, view), _thinning_variance(times, watts, 2, view)
    growth = GROWTH[0]
    if len(watts) >= ENOUGH and once > 0:
        growth = float(np.clip(twice / once, *GROWTH))
    return float(np.sqrt(max(once / (growth - 1.0) - noise_j**2, 0.0) * unseen))


def _updates(view: View) -> tuple[Ints, Floats]:
    """Return times (ns) and watts of one reading inside for each update of the sensor.

    The readings beside the window stay out: what happens at its edges is a line of its own.
    """
    stride = max(1, round(len(view.watts) / view.updates))
    return view.times_ns[::stride], view.watts[::stride]


def _thinning_variance(times: Ints, watts: Floats, stride: int, view: View) -> float:
    """Return the variance (J²) that appears when a grid of every `stride`-th reading loses every second.

    Of the 2·stride overlapping choices of which to drop, the mean is returned.
    """
    widest_s = (1 + JITTER) * stride * view.spacing_s
    squares = 0.0
    for first in range(0, len(watts) - 2 * stride, BLOCK):
        block = slice(first, first + BLOCK + 2 * stride)
        change = _changes(times[block], watts[block], stride, widest_s)
        squares += float(np.dot(change, change))
    return squares / 4 / (2 * stride)


def _changes(times: Ints, watts: Floats, stride: int, widest_s: float) -> Floats:
    """Return twice what each reading's absence changes in the energy (J).

    Taking reading i out of its neighbours' trapezoid changes the energy by half of the step on its right
    times the width on its left, less the same mirrored. Nothing is learnt across a gap.
    """
    width_s = (times[stride:] - times[:-stride]) / NS_PER_S
    step_w = watts[stride:] - watts[:-stride]
    whole = width_s <= widest_s
    change: Floats = step_w[stride:] * width_s[:-stride]
    change -= step_w[:-stride] * width_s[stride:]
    change *= whole[stride:] & whole[:-stride]
    return change
