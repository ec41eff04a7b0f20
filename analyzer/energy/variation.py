"""How power varies from reading to reading, and what a sensor can have missed in between.

Power between two readings is known only by what it does elsewhere in the window. Differences of neighbours
give its size, and how they grow from neighbours to the next but one gives its kind: jumps that stand for many
readings, or values that know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analyzer.energy.trace import Floats

# Second differences of single jumps grow so much when every second reading is left out; smooth curves' more.
_OF_JUMPS = 2.0
# The correlation of n readings is known to about 1/√n. Near zero a little more of it would halve the error
# that is stated, so the cautious end is taken.
CAUTION = 2.0
# Readings looked at in one go: their columns stay in the processor's cache. They are too few for the library
# below numpy to share a sum among threads, which wait for each other, and whose number shows in the last
# digit.
_BLOCK = 8_192


@dataclass(frozen=True)
class Variation:
    """The updates of a window (one value each, W) at equal distances of `step_s`.

    `noise_w` is white noise known to be the sensor's own.
    """

    watts: Floats
    step_s: float
    noise_w: float = 0.0

    @cached_property
    def curvature(self) -> float:
        """The mean square of second differences (W²), without that of known noise."""
        return max(_second(self.watts, 1) - 6 * self.noise_w**2, 0.0)

    @cached_property
    def growth(self) -> float:
        """By how much that grows when every second reading is left out."""
        twice = max(_second(self.watts, 2) - 6 * self.noise_w**2, 0.0)
        return twice / self.curvature if self.curvature else _OF_JUMPS

    @cached_property
    def memory(self) -> float:
        """The correlation of neighbours, 0 (they know nothing of each other) to 1 (jumps, smooth curves)."""
        once = self.moved(0.0)
        if not once:
            return 1.0
        told = max(_first(self.watts, 2) - 2 * self.noise_w**2, 0.0) / once - 1.0
        return float(np.clip(told - CAUTION / np.sqrt(len(self.watts)), 0.0, 1.0))

    @property
    def wild(self) -> float:
        """The share, 0 to 1, of the variation that is over before the next reading."""
        return 1.0 - self.memory

    def lag(self, seconds: float) -> int:
        """How many readings that time is, at least one."""
        return max(1, round(seconds / self.step_s)) if self.step_s else 1

    def moved(self, seconds: float) -> float:
        """The mean square (W²) of how far power moves within that time, at least one reading's step."""
        lag = min(self.lag(seconds), len(self.watts) - 1)
        if lag < 1:
            return 0.0
        return max(_first(self.watts, lag) - 2 * self.noise_w**2, 0.0)

    def strayed(self, seconds: float) -> tuple[float, float]:
        """How far power moves at most within that time (mean square, W²), and how soon it is done with it.

        The second is 0 where it moves on and on (single jumps, ramps), 1 where it is as far away after one
        reading as ever. A load that repeats comes back: not the whole time but the worst of it counts.
        """
        first = self.moved(0.0)
        lags = range(1, self.lag(seconds) + 1)
        most = max(self.moved(lag * self.step_s) for lag in lags)
        if len(lags) == 1 or not first:
            return most, self.wild
        done = 1.0 - (most / first - 1.0) / (len(lags) - 1)
        return most, float(np.clip(max(done, self.wild), 0.0, 1.0))

    def missed_w2(self, unseen: float) -> float:
        """The variance (W²) of one step's mean power around the reading that stands for it.

        With q the variance of that error in units of the power's own variance, q = (1 + r)/(1 - r) + 2/ln r
        for exponential correlation (the sum over all frequencies that fold onto zero). `unseen` is the
        share of the time over which the sensor does not average.
        """
        if unseen <= 0 or not self.curvature:
            return 0.0
        r = min(self.memory, 0.999)
        q = (1 + r) / (1 - r) + (2 / np.log(r) if r else 0.0)
        share = q / ((1 - r) * (6 - 2 * r)) * min(_OF_JUMPS / max(self.growth, _OF_JUMPS), 1.0)
        return float(self.curvature * share * unseen ** (1 + r))


def _first(watts: Floats, lag: int) -> float:
    """Return the mean square of first differences at that distance."""
    squares = 0.0
    for block in _blocks(watts, lag):
        change = block[lag:] - block[:-lag]
        squares += float(np.dot(change, change))
    return squares / max(len(watts) - lag, 1)


def _second(watts: Floats, lag: int) -> float:
    """Return the mean square of second differences at that distance."""
    squares = 0.0
    for block in _blocks(watts, 2 * lag):
        change = block[2 * lag :] + block[: -2 * lag]
        change -= block[lag:-lag]
        change -= block[lag:-lag]
        squares += float(np.dot(change, change))
    return squares / max(len(watts) - 2 * lag, 1)


def _blocks(watts: Floats, reach: int) -> Iterator[Floats]:
    """Yield stretches that share `reach` values with the next, so that each difference is in one of them."""
    for first in range(0, len(watts) - reach, _BLOCK):
        yield watts[first : first + _BLOCK + reach]
