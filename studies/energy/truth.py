"""Power as straight pieces with jumps between them: exact energy of any stretch, for arrays of times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """n pieces: piece i runs from `edges_s[i]` to `edges_s[i + 1]`, from `left_w[i]` to `right_w[i]`.

    Before the first and after the last edge the nearest power stands.
    """

    edges_s: Floats
    left_w: Floats
    right_w: Floats
    until_j: Floats

    @classmethod
    def of(cls, edges_s: Floats, left_w: Floats, right_w: Floats | None = None) -> Truth:
        """The truth of pieces; without `right_w` each has one power."""
        right = left_w if right_w is None else right_w
        return cls(edges_s, left_w, right, np.append(0.0, np.cumsum((left_w + right) / 2 * np.diff(edges_s))))

    @classmethod
    def through(cls, at_s: Floats, watts: Floats) -> Truth:
        """The truth of straight lines through points."""
        return cls.of(at_s, watts[:-1], watts[1:])

    def power_w(self, t_s: Floats) -> Floats:
        """Watts at those times."""
        at, since, width = self._locate(t_s)
        return np.asarray(
            self.left_w[at] + (self.right_w[at] - self.left_w[at]) * np.clip(since / width, 0, 1)
        )

    def energy_j(self, begin_s: Floats | float, end_s: Floats | float) -> Floats:
        """Joules between pairs of times."""
        return self._until(np.asarray(end_s)) - self._until(np.asarray(begin_s))

    def _until(self, t_s: Floats) -> Floats:
        at, since, width = self._locate(t_s)
        inside = np.clip(since, 0.0, width)
        rise = (self.right_w[at] - self.left_w[at]) / width
        joules = self.until_j[at] + (self.left_w[at] + rise * inside / 2) * inside
        return np.asarray(
            joules + np.minimum(since, 0) * self.left_w[0] + np.maximum(since - width, 0) * self.right_w[-1]
        )

    def _locate(self, t_s: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
        at = np.clip(np.searchsorted(self.edges_s, t_s, "right") - 1, 0, len(self.left_w) - 1)
        return at, t_s - self.edges_s[at], self.edges_s[at + 1] - self.edges_s[at]
