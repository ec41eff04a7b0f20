"""The last two minutes of a stream as lowest and highest reading of each hundredth of a second. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

BUCKET_NS = 10_000_000
BUCKETS = 12_000


class Columns(NamedTuple):
    """Readings as a picture takes them: the middle of each bucket (node time ns), low and high are [k, n]."""

    at_ns: Ints
    low_w: Floats
    high_w: Floats


class Ring:
    """Buckets of all channels of a stream, in a ring: what is older than `BUCKETS` is forgotten."""

    def __init__(self, channels: int) -> None:
        self._low = np.full((channels, BUCKETS), np.nan, np.float32)
        self._high = np.full((channels, BUCKETS), np.nan, np.float32)
        self.newest = -1

    def add(self, times_ns: Ints, watts: Floats) -> int:
        """Takes rising times (node time ns) and watts [n, k]; the first bucket that they touch.

        Readings that are no number leave their bucket as it was.
        """
        buckets = times_ns // BUCKET_NS
        if not len(buckets):
            return self.newest + 1
        self._make_room(int(buckets[-1]))
        there = buckets > self.newest - BUCKETS
        buckets, watts = buckets[there], watts[there]
        if not len(buckets):
            return self.newest + 1
        starts = np.concatenate([[0], np.flatnonzero(np.diff(buckets)) + 1])
        slots = buckets[starts] % BUCKETS
        self._low[:, slots] = np.fmin(self._low[:, slots], np.fmin.reduceat(watts, starts, axis=0).T)
        self._high[:, slots] = np.fmax(self._high[:, slots], np.fmax.reduceat(watts, starts, axis=0).T)
        return int(buckets[0])

    def read(self, first: int, stop: int, step: int) -> Columns:
        """The buckets from `first` up to `stop`, `step` of them in one; those without a reading are left out.

        `first` and `stop` are rounded down to whole steps, so that what is read in parts fits together.
        """
        first = max(first, self.newest - BUCKETS + 1, 0) // step
        stop = min(stop, self.newest + 1) // step
        if stop <= first:
            none = np.empty((len(self._low), 0), np.float32)
            return Columns(np.empty(0, np.int64), none, none)
        slots = np.arange(first * step, stop * step) % BUCKETS
        shape = (len(self._low), stop - first, step)
        low = np.fmin.reduce(self._low[:, slots].reshape(shape), axis=2)
        high = np.fmax.reduce(self._high[:, slots].reshape(shape), axis=2)
        there = np.isfinite(low).any(axis=0)
        middle = (np.arange(first, stop) * step * BUCKET_NS + step * BUCKET_NS // 2)[there]
        return Columns(middle, low[:, there], high[:, there])

    def _make_room(self, newest: int) -> None:
        """Empties the buckets between the newest one so far and the newest one now."""
        if newest <= self.newest:
            return
        fresh = np.arange(max(self.newest + 1, newest - BUCKETS + 1), newest + 1) % BUCKETS
        self._low[:, fresh] = np.nan
        self._high[:, fresh] = np.nan
        self.newest = newest


def step_for(window_ns: int, pixels: int) -> int:
    """How many buckets go into one, so that a window has about one for each pixel."""
    return max(1, round(window_ns / max(1, pixels) / BUCKET_NS))
