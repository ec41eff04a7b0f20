"""The hardware's own energy counter: when it answers for a window, and how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.energy.integrate import NS_PER_S, Integral
from analyzer.energy.view import View

# A counter is renewed about every 100 ms (NVML), so its difference needs a window where that is little.
COUNTER_FROM_S = 5.0
# It is the answer where its readings lie this close to the marks: in updates, ticks, or share of the window.
NEAR_UPDATES = 3.0
NEAR_SHARE = 0.005
# Points within one update at which the counter may have been renewed.
_MOMENTS = (np.arange(16) + 0.5) / 16


@dataclass(frozen=True)
class Counted:
    """A counter's energy of a window; `begin_u_j`, `end_u_j`: what its age at its readings leaves open.

    ``is_near``: it was read so close to both marks that the window is the counter's own.
    """

    energy_j: float
    begin_u_j: float
    end_u_j: float
    is_near: bool


def count(view: View, integral: Integral) -> Counted | None:
    """Return the counter's answer, with what lies between its readings and the window from the integral.

    The counter is read at the ends of frames only, the last one often just after the end mark; the readings
    nearest to both edges are taken, inside or not. None: the window is short, or they span less than half.
    """
    at = view.outer.counter_at_ns
    if view.duration_s < COUNTER_FROM_S or len(at) < 2:
        return None
    first = int(np.argmin(np.abs(at - view.begin_ns)))
    last = int(np.argmin(np.abs(at - view.end_ns)))
    if (int(at[last]) - int(at[first])) / NS_PER_S < view.duration_s / 2:
        return None
    begin_j, begin_u_j = _since_update(view, integral, int(at[first]), view.begin_ns)
    end_j, end_u_j = _since_update(view, integral, int(at[last]), view.end_ns)
    near_s = max(
        NEAR_UPDATES * view.facts.period_ns / NS_PER_S,
        NEAR_UPDATES * view.tick_ns / NS_PER_S,
        NEAR_SHARE * view.duration_s,
    )
    away_ns = max(abs(int(at[first]) - view.begin_ns), abs(int(at[last]) - view.end_ns))
    counted_j = float(view.outer.counter_j[last] - view.outer.counter_j[first])
    return Counted(counted_j + end_j - begin_j, begin_u_j, end_u_j, away_ns / NS_PER_S <= near_s)


def _since_update(view: View, integral: Integral, read_ns: int, mark_ns: int) -> tuple[float, float]:
    """Return the energy from the counter's last update to a mark: its mean and standard deviation (J).

    The update lies anywhere within a period before the counter was read.
    """
    updated = np.round(read_ns - _MOMENTS * view.facts.period_ns).astype(np.int64)
    energies = integral.energies_j(updated, np.full(len(updated), mark_ns))
    return float(energies.mean()), float(energies.std())
