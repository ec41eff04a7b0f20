"""How a sensor responds to a load that is switched on and off at known times. Pure, standard library only.

Each value that a sensor shows is taken for a mean of the true power over a window W whose centre is D old
when the value appears: over a step it is then a ramp of the length W, D late. W and D are those that fit the
values best, in least squares with the two powers free; the errors are the edges of the region whose fit is
not worse than chance allows (95 %). As values fall anywhere on a step, W and D are found far finer than the
period.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import NamedTuple

# The 95 % quantile of chi squared with two degrees of freedom.
_CHANCE = 5.99
_MOST_VALUES = 500
_COARSE = 24
_FINE = 5
_ROUNDS = 9
_REGION = 21
# Below this the step of the load is not told from noise.
LEAST_STEP_OF_NOISE = 3.0
LEAST_VALUES = 20


class Unfit(Exception):
    """The readings do not show a response; the text says why."""


class Value(NamedTuple):
    """A value of the sensor: when it appeared (s), and watts."""

    t_s: float
    watts: float


class Near(NamedTuple):
    """A figure and its error at 95 %."""

    value: float
    error: float


class Response(NamedTuple):
    """What the fit says. `age_s` is D, a value's age when it appears; `noise_w` is what the model leaves."""

    holds: bool
    period_s: Near
    averaging_s: Near
    age_s: Near
    low_w: float
    high_w: float
    noise_w: float
    values: int

    @property
    def delay_s(self) -> Near:
        """The age at a reading taken by chance, as manifests state it: a held value stands for a period."""
        held = self.period_s if self.holds else Near(0.0, 0.0)
        return Near(self.age_s.value + held.value / 2, math.hypot(self.age_s.error, held.error / 2))


class Switched:
    """A load that is on between the times of each pair, in seconds; the pairs follow each other."""

    def __init__(self, on: Sequence[tuple[float, float]]) -> None:
        self._begins = [begin for begin, _ in on]
        self._lengths = [end - begin for begin, end in on]
        self._before = [0.0, *accumulate(self._lengths)]

    def on_s(self, t_s: float) -> float:
        """How long it was on before `t_s`."""
        at = bisect_right(self._begins, t_s) - 1
        if at < 0:
            return 0.0
        return self._before[at] + min(t_s - self._begins[at], self._lengths[at])

    def share(self, centre_s: float, window_s: float) -> float:
        """Its mean over a window: 0 to 1."""
        half = max(window_s, 1e-6) / 2
        return (self.on_s(centre_s + half) - self.on_s(centre_s - half)) / (2 * half)


def values_of(readings: Sequence[Value], *, holds: bool = True) -> list[Value]:
    """The values behind readings that were taken faster than they are renewed.

    A value that is held appeared between the last reading of the one before and its first: the middle is
    taken. One that is made by being read appears when it is read. One that equals the one before is not seen.
    """
    back = 0.5 if holds else 0.0
    return [
        Value(reading.t_s - back * (reading.t_s - before.t_s), reading.watts)
        for before, reading in pairwise(readings)
        if reading.watts != before.watts
    ]


def period_of(values: Sequence[Value], poll_s: float) -> Near:
    """The period of renewal: the shortest usual gap, made exact by all that are whole multiples of it.

    A value that equals the one before hides a renewal, so gaps are multiples.
    """
    gaps = sorted(later.t_s - sooner.t_s for sooner, later in pairwise(values))
    shortest = gaps[len(gaps) // 10]
    period_s = median(gap for gap in gaps if gap <= 1.5 * shortest)
    for _ in range(3):
        whole = [(gap, round(gap / period_s)) for gap in gaps if 0 < round(gap / period_s) <= 3]
        period_s = sum(gap * n for gap, n in whole) / sum(n * n for _, n in whole)
    left = math.sqrt(sum((gap - n * period_s) ** 2 for gap, n in whole) / len(whole))
    return Near(period_s, 2 * math.hypot(left, poll_s / math.sqrt(12)) / math.sqrt(len(whole)))


def fit(readings: Sequence[Value], load: Switched, longest_s: float, *, holds: bool = True) -> Response:
    """The response in readings that were taken at one rate. W and D are sought up to `longest_s`.

    `holds`: the sensor holds a value until the next; else each reading makes its own.

    Raises `Unfit` where there are too few values, or where the power did not follow the load.
    """
    values = values_of(readings, holds=holds)
    if len(values) < LEAST_VALUES:
        words = "give it more seconds, or nothing else to do"
        raise Unfit(f"{len(values)} values were seen, and {LEAST_VALUES} are needed: {words}")
    poll_s = (readings[-1].t_s - readings[0].t_s) / (len(readings) - 1)
    period = period_of(values, poll_s)
    search = _Search(_thinned(values), load)
    best = search.best(longest_s)
    step_w = best.high_w - best.low_w
    noise_w = math.sqrt(best.squares / max(1, len(search.values) - 4))
    if not step_w > LEAST_STEP_OF_NOISE * noise_w / math.sqrt(len(search.values) / 8):
        raise Unfit(f"the load moved the power by {step_w:.2g} W, and {noise_w:.2g} W are noise")
    averaging_s, age_s = search.region(best, period.value, poll_s)
    return Response(
        holds=holds,
        period_s=period,
        averaging_s=averaging_s,
        age_s=age_s,
        low_w=best.low_w,
        high_w=best.high_w,
        noise_w=noise_w,
        values=len(values),
    )


class _Point(NamedTuple):
    """A window and an age, the powers that fit best with them, and the squares that are left."""

    squares: float
    window_s: float
    age_s: float
    low_w: float
    high_w: float


class _Search:
    """Looks for the window and the age whose ramps fit the values best."""

    def __init__(self, values: Sequence[Value], load: Switched) -> None:
        self.values = values
        self._load = load

    def best(self, longest_s: float) -> _Point:
        """From a coarse grid to ever finer ones around the best so far."""
        steps = [longest_s * (at / _COARSE) ** 2 for at in range(_COARSE + 1)]
        pairs = ((window_s, age_s) for window_s in steps for age_s in steps if age_s >= window_s / 2)
        best = min(self._at(window_s, age_s) for window_s, age_s in pairs)
        reach = longest_s / _COARSE * 2
        for _ in range(_ROUNDS):
            best = min(best, *self._around(best, reach, reach, _FINE))
            reach /= 2
        return best

    def region(self, best: _Point, period_s: float, poll_s: float) -> tuple[Near, Near]:
        """The errors of window and age: how far each goes before the fit is worse than chance allows.

        A grid around the best is drawn closer until that region fills enough of it.
        """
        free = max(1, len(self.values) - 4)
        limit = max(best.squares, 1e-12) * (1 + _CHANCE / free)
        reach_s = max(period_s, best.window_s)
        while True:
            grid = self._around(best, reach_s, reach_s, _REGION)
            inside = [best, *(point for point in grid if point.squares <= limit)]
            window_s = max(abs(point.window_s - best.window_s) for point in inside)
            age_s = max(abs(point.age_s - best.age_s) for point in inside)
            spread_s = max(window_s, age_s)
            if spread_s > reach_s / 4 or reach_s < poll_s / 8:
                break
            reach_s = max(2 * spread_s, reach_s / 8)
        # Half a cell of the grid, and the moment of a value's appearance, which is known to a poll.
        cell_s = reach_s / (_REGION - 1)
        return (
            Near(best.window_s, math.hypot(window_s + cell_s, poll_s)),
            Near(best.age_s, math.hypot(age_s + cell_s, poll_s / 2)),
        )

    def _around(self, best: _Point, window_reach: float, age_reach: float, count: int) -> Iterator[_Point]:
        offsets = [2 * at / (count - 1) - 1 for at in range(count)]
        for window in offsets:
            window_s = best.window_s + window * window_reach
            for age in offsets:
                age_s = best.age_s + age * age_reach
                if window_s >= 0 and age_s >= 0:
                    yield self._at(window_s, age_s)

    def _at(self, window_s: float, age_s: float) -> _Point:
        """The straight line of the values over the load's share: a regression with one variable."""
        shares = [self._load.share(value.t_s - age_s, window_s) for value in self.values]
        watts = [value.watts for value in self.values]
        mean_share, mean_w = sum(shares) / len(shares), sum(watts) / len(watts)
        spread = sum((share - mean_share) ** 2 for share in shares)
        if spread <= 0:
            return _Point(math.inf, window_s, age_s, mean_w, mean_w)
        both = list(zip(shares, watts, strict=True))
        step_w = sum((share - mean_share) * value_w for share, value_w in both) / spread
        low_w = mean_w - step_w * mean_share
        if step_w < 0:
            # Half a period later everything fits as well upside down.
            return _Point(math.inf, window_s, age_s, low_w, low_w)
        squares = sum((value_w - low_w - step_w * share) ** 2 for share, value_w in both)
        return _Point(squares, window_s, age_s, low_w, low_w + step_w)


def _thinned(values: Sequence[Value]) -> Sequence[Value]:
    """At most so many values, evenly taken: more of them only cost time."""
    stride = -(-len(values) // _MOST_VALUES)
    return values[::stride]
