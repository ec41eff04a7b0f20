"""Power integrated over time: cumulative sums once, then any window in O(log n)."""

from __future__ import annotations

import numpy as np

from analyzer.energy.trace import Floats, Ints

NS_PER_S = 1e9


class Integral:
    """The energy of a series of readings between any two times.

    Between readings power is interpolated linearly (trapezoid over all readings, both edges interpolated),
    or, with `hold`, each value stands until the next reading. Before the first and after the last reading
    the nearest value stands; `gaps.py` says how much of a window that is.

    `times_ns` strictly rise and are differenced as integers, so stamps of 1e18 keep their nanosecond.
    """

    def __init__(self, times_ns: Ints, watts: Floats, *, hold: bool = False) -> None:
        if not len(times_ns):
            raise ValueError("an integral needs at least one reading")
        self._times = times_ns
        self._watts = watts
        self._hold = hold
        ends_at = watts[:-1] if hold else watts[1:]
        areas = watts[:-1] + ends_at
        areas *= np.diff(times_ns)
        self._total = np.zeros(len(watts))
        np.cumsum(areas, out=self._total[1:])
        self._total /= 2 * NS_PER_S

    def energy_j(self, begin_ns: int, end_ns: int) -> float:
        """Return the joules from `begin_ns` to `end_ns`."""
        return float(self.energies_j(np.array([begin_ns]), np.array([end_ns]))[0])

    def energies_j(self, begin_ns: Ints, end_ns: Ints) -> Floats:
        """Return the joules of many windows at once."""
        return self._until(end_ns) - self._until(begin_ns)

    def power_w(self, at_ns: Ints) -> Floats:
        """Return the power at the given times."""
        index, since_s, rise = self._locate(at_ns)
        return np.asarray(self._watts[index] + rise * since_s)

    def _until(self, at_ns: Ints) -> Floats:
        """Return the joules from the first reading to `at_ns` (negative before it)."""
        index, since_s, rise = self._locate(at_ns)
        return np.asarray(self._total[index] + (self._watts[index] + rise * since_s / 2) * since_s)

    def _locate(self, at_ns: Ints) -> tuple[Ints, Floats, Floats]:
        """Return the reading each time belongs to, the seconds since it, and the rise from there (W/s)."""
        found = np.searchsorted(self._times, at_ns, "right") - 1
        index, following = np.maximum(found, 0), np.minimum(found + 1, len(self._times) - 1)
        between = (found >= 0) & (following > found)
        width_s = np.where(between, self._times[following] - self._times[index], NS_PER_S) / NS_PER_S
        step_w = np.where(between & (not self._hold), self._watts[following] - self._watts[index], 0.0)
        return index, (at_ns - self._times[index]) / NS_PER_S, step_w / width_s
