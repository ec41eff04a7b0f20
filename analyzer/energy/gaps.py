"""Gaps between readings: what may be interpolated, what is not covered, and what a gap may hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints
from analyzer.energy.variation import Variation
from analyzer.energy.view import View

# A gap is counted in whole spacings, to the nearest: stamps jitter, so five spacings are all up to 5.5, and
# a single one up to 1.5 is no gap at all.
JITTER = 0.5
LONGEST_SHORT = 5
# Readings looked at on each side of a gap for the range of power near it.
NEAR = 5
SQRT12 = float(np.sqrt(12.0))


@dataclass(frozen=True)
class Gaps:
    """The gaps of one window, m rows: stamps around each, the part inside (s), and the power near it (W).

    `long` marks those of more than five spacings. An edge that no reading reaches is a gap from the edge.
    """

    begin_ns: Ints
    end_ns: Ints
    inside_s: Floats
    long: NDArray[np.bool_]
    low_w: Floats
    high_w: Floats

    @property
    def uncovered_s(self) -> float:
        """Seconds of the window inside long gaps."""
        return float(self.inside_s[self.long].sum())

    def short_u_j(self, variation: Variation) -> float:
        """Return the standard uncertainty of the energy inside the short gaps.

        A straight line over a time L misses a jump inside by up to its half (L²/12 of the variance of a step
        over L); where power is soon done moving, both ends are as wrong as any reading, and the mean of the
        time between knows nothing of them (L²/2).
        """
        squares = 0.0
        for inside_s in self.inside_s[~self.long].tolist():
            moved_w2, done = variation.strayed(inside_s)
            squares += inside_s**2 * moved_w2 * (1 + 5 * done) / 12
        return float(np.sqrt(squares))

    def long_u_j(self) -> float:
        """Return the standard uncertainty of the energy inside the long gaps.

        The mean power inside lies somewhere in the range seen near (rectangular, JCGM 100 4.3.7), each gap
        on its own.
        """
        each = self.inside_s[self.long] * (self.high_w - self.low_w)[self.long] / SQRT12
        return float(np.sqrt(np.sum(each**2)))


def find_gaps(view: View) -> Gaps:
    """Return the gaps of a window that has at least one reading on or beside it.

    The expected spacing between two readings is the largest of their ticks and the sensor's period.
    """
    times, expected = view.trace.times_ns, _expected(view)
    length = np.diff(times)
    before, after = int(times[0]) - view.begin_ns, view.end_ns - int(times[-1])
    # Gap i lies before reading i: gap 0 before the first reading, the last one after the last.
    # One spacing for all, as nearly always, needs no column of its own.
    between = expected[1:-1] if any(expected.strides) else expected[:1]
    inner = np.flatnonzero(length > (1 + JITTER) * between) + 1
    index = np.concatenate((np.zeros(int(before > 0), np.int64), inner, np.full(int(after > 0), len(times))))
    begins = np.where(index > 0, times[np.maximum(index - 1, 0)], view.begin_ns)
    ends = np.where(index < len(times), times[np.minimum(index, len(times) - 1)], view.end_ns)
    inside_ns = np.minimum(ends, view.end_ns) - np.maximum(begins, view.begin_ns)
    chosen = (inside_ns > 0) & (ends - begins > (1 + JITTER) * expected[index])
    index, begins, ends, inside_ns = index[chosen], begins[chosen], ends[chosen], inside_ns[chosen]
    low, high = _range_near(times, view.trace.watts, index, ends - begins)
    return Gaps(
        begin_ns=begins,
        end_ns=ends,
        inside_s=inside_ns / NS_PER_S,
        long=ends - begins > (LONGEST_SHORT + JITTER) * expected[index],
        low_w=low,
        high_w=high,
    )


def _expected(view: View) -> Ints:
    """Return the expected spacing (ns) before, between and after the readings: n + 1 values.

    Where neither tick nor period is known, the spacing usual in this window is the expected one.
    """
    ticks, period = view.trace.tick_ns, view.facts.period_ns
    least, most = int(ticks.min()), int(ticks.max())
    if (least == most or most <= period) and max(most, period):
        return np.broadcast_to(np.int64(max(most, period)), len(ticks) + 1)
    ticks = np.maximum(ticks, period)
    if not ticks.all():
        usual = np.median(np.diff(view.trace.times_ns)) if len(ticks) > 1 else view.end_ns - view.begin_ns
        ticks = np.where(ticks > 0, ticks, np.int64(usual))
    return np.concatenate((ticks[:1], np.maximum(ticks[1:], ticks[:-1]), ticks[-1:]))


def _range_near(times: Ints, watts: Floats, index: Ints, length_ns: Ints) -> tuple[Floats, Floats]:
    """Return the lowest and highest power near each gap.

    Gap i lies before reading i. Near are the readings within the gap's own length on both sides, and at
    least five on each.
    """
    if not len(index):
        return np.empty(0), np.empty(0)
    last = len(times) - 1
    before, after = np.maximum(index - 1, 0), np.minimum(index, last)
    first = np.minimum(np.searchsorted(times, times[before] - length_ns), np.maximum(index - NEAR, 0))
    stop = np.maximum(
        np.searchsorted(times, times[after] + length_ns, "right"), np.minimum(index + NEAR, last + 1)
    )
    # reduceat reduces [first, stop) at its even places; the padding lets stop be the end.
    pairs, padded = np.column_stack((first, stop)).ravel(), np.append(watts, watts[-1])
    return np.minimum.reduceat(padded, pairs)[::2], np.maximum.reduceat(padded, pairs)[::2]
