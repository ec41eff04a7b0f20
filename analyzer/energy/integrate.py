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
        spacing_s = np.diff(times_ns) / NS_PER_S
        ends_at = watts[:-1] if hold else watts[1:]
        self._rise = np.append((ends_at - watts[:-1]) / spacing_s, 0.0)
        self._total = np.append(0.0, np.cumsum((watts[:-1] + ends_at) * spacing_s) / 2)

    def energy_j(self, begin_ns: int, end_ns: int) -> float:
        """Return the joules from `begin_ns` to `end_ns`."""
        return float(self.energies_j(np.array([begin_ns]), np.array([end_ns]))[0])

    def energies_j(self, begin_ns: Ints, end_ns: Ints) -> Floats:
        """Return the joules of many windows at once."""
        return self._until(end_ns) - self._until(begin_ns)

    def power_w(self, at_ns: Ints) -> Floats:
        """Return the power at the given times."""
        index, since_s = self._locate(at_ns)
        return np.asarray(self._watts[index] + np.where(since_s > 0, self._rise[index] * since_s, 0.0))

    def _until(self, at_ns: Ints) -> Floats:
        """Return the joules from the first reading to `at_ns` (negative before it)."""
        index, since_s = self._locate(at_ns)
        rise = np.where(since_s > 0, self._rise[index], 0.0)
        return np.asarray(self._total[index] + (self._watts[index] + rise * since_s / 2) * since_s)

    def _locate(self, at_ns: Ints) -> tuple[Ints, Floats]:
        index = np.maximum(np.searchsorted(self._times, at_ns, "right") - 1, 0)
        return index, (at_ns - self._times[index]) / NS_PER_S
