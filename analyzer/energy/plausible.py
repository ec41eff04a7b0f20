"""Flags of readings that a sensor of this kind should not give. Nothing is deleted for a flag."""

from __future__ import annotations

import numpy as np

from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints
from analyzer.energy.view import View
from telemetry.contract.documents import Flag

# Beyond this factor of a limit it is not a peak but another unit (mW for W is 1,000).
SLIP = 20.0
# The same reading on end over this many readings and spacings, and ten seconds, is no measurement; half the
# window is enough where the sensor is known to be noisy.
FROZEN_SPACINGS = 20
FROZEN_S = 10.0
# By how much the rails may add up to more than their input: they are read one after the other, each with a
# gain of its own.
RAILS_OVER = 0.05
# Sources whose readings are computed may well repeat one.
COMPUTED = ("synthetic", "estimated")


def flags_of(view: View) -> tuple[Flag, ...]:
    """Return the flags of the readings inside a window (at least one)."""
    tests: dict[Flag, bool] = {
        "negative": _is_negative(view),
        "over_max": _is_over(view, 1.0),
        "frozen": _is_frozen(view),
        "rails": _rails_exceed_total(view),
        "unit_slip": _is_over(view, SLIP) or _is_slipped_down(view),
        "counter_back": _counter_falls(view),
    }
    return tuple(name for name, fires in tests.items() if fires)


def _is_negative(view: View) -> bool:
    return bool(view.watts.min() < min(0.0, view.facts.min_w or 0.0))


def _is_over(view: View, factor: float) -> bool:
    return view.facts.max_w is not None and bool(view.watts.max() > factor * view.facts.max_w)


def _is_slipped_down(view: View) -> bool:
    """Watts given where milliwatts were divided once more: far below what the board ever draws."""
    usual = float(view.watts.mean())
    return 0.0 < usual * SLIP < (view.facts.min_w or 0.0)


def _is_frozen(view: View) -> bool:
    half = FROZEN_SPACINGS // 2
    if not _should_vary(view) or not bool(np.any(view.watts[:-half:half] == view.watts[half::half])):
        return False
    longest_s = _longest_run_ns(view.times_ns, view.watts) / NS_PER_S
    enough_s = min(FROZEN_S, view.duration_s / 2) if _shows_noise(view) else FROZEN_S
    return longest_s >= max(FROZEN_SPACINGS * view.spacing_s, enough_s)


def _shows_noise(view: View) -> bool:
    """Return whether the sensor is known to be noisy: by its manifest, or by its other readings."""
    return view.facts.noise_w is not None or bool(np.ptp(view.watts) > 0)


def _should_vary(view: View) -> bool:
    """Return whether the sensor's own noise shows in its readings."""
    noise, step = view.facts.noise_w, view.facts.resolution_w
    if view.facts.origin in COMPUTED and not noise:
        return False
    return noise is None or noise > (step or 0.0) / 3


def _longest_run_ns(times: Ints, watts: Floats) -> int:
    changes = np.flatnonzero(watts[1:] != watts[:-1])
    firsts, lasts = np.append(0, changes + 1), np.append(changes, len(watts) - 1)
    many = lasts - firsts >= FROZEN_SPACINGS
    return int(np.max(times[lasts[many]] - times[firsts[many]], initial=0))


def _rails_exceed_total(view: View) -> bool:
    rails = view.trace.parts_w[view.inside]
    if not rails.shape[1]:
        return False
    # What 32 bits round off is far below the share that is tolerated.
    total, parts = float(view.watts.mean()), sum(float(rail.mean()) for rail in rails.T)
    if not np.isfinite(parts):
        summed = rails.sum(axis=1, dtype=np.float64)
        whole = np.isfinite(summed)
        if not whole.any():
            return False
        total, parts = float(view.watts[whole].mean()), float(summed[whole].mean())
    step = (view.facts.resolution_w or 0.0) * rails.shape[1]
    return bool(parts > total + RAILS_OVER * abs(total) + step)


def _counter_falls(view: View) -> bool:
    at = view.outer.counter_at_ns
    inside = (at >= view.begin_ns) & (at <= view.end_ns)
    return bool(np.any(np.diff(view.outer.counter_j[inside]) < 0))
