"""What of the power follows the batches of a trial, and what the sampling makes of it.

A sensor that does not see all the time samples a load that repeats: the same batch at many phases. How often
it met each phase is chance, and with a load in step it is no chance at all. Where the marks tell when each
batch began, every reading has a known phase, and the pattern of a batch can be fitted to the readings. Over
whole batches the pattern's harmonics add up to nothing, so what they add up to over the readings is the
sampling's own error, and is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints

# Fewer batches, or readings, show no pattern.
FEWEST_BATCHES = 8
FEWEST_READINGS = 20
# More harmonics than these cost more readings than they explain.
MOST_HARMONICS = 6
READINGS_A_HARMONIC = 10
# A harmonic higher than those fitted is looked at up to here, for whether the sampling keeps step with it.
HIGHEST = 24
# A fit that makes the readings' own scatter count this much more (in variance) does not help.
MOST_GROWTH = 1.6
# A pattern that explains less of the variance is none.
LEAST_EXPLAINED = 0.15
# Power has a slow course of its own: as many cosines. A harmonic that lies within it to this share cannot be
# told from it.
READINGS_A_COSINE = 6
MOST_COSINES = 24
MOST_SLOW = 0.5
# The first harmonics carry the energy. One that the readings meet so unevenly (0 to 1) bends the mean.
LOCKING = 4
IN_STEP = 0.25
# With more readings, or batches longer than this many readings, the sampling misses little of a batch.
MOST_READINGS = 2_000
LONGEST_BATCH = 12.0


@dataclass(frozen=True)
class Pattern:
    """The part of a window's power that follows its batches.

    ``excess_j`` is the energy that the sampling adds by meeting some phases more often than others;
    ``locked_j`` the standard uncertainty from harmonics that the readings cannot tell from a constant;
    ``slow_j`` the energy that it would add if slow changes of power were the load in step with the readings;
    ``growth`` by how much the fit makes the rest of the scatter count more (variance). ``rest_w`` are the
    readings without the pattern. ``is_locked``: one of the first harmonics keeps step with the
    readings, so that it cannot be told from a constant.
    """

    rest_w: Floats
    excess_j: float = 0.0
    locked_j: float = 0.0
    slow_j: float = 0.0
    growth: float = 1.0
    harmonics: int = 0
    is_locked: bool = False


def find_pattern(
    times_ns: Ints, watts: Floats, weights_s: Floats, begins_ns: Ints, end_ns: int
) -> Pattern | None:
    """Return the pattern of a window's readings, each of which stands for `weights_s` of it, if there is one.

    `begins_ns` are the begins of its batches, the last of which ends with the window.
    """
    if not FEWEST_READINGS <= len(watts) <= MOST_READINGS or len(begins_ns) < FEWEST_BATCHES:
        return None
    period_s = float(np.median(np.diff(begins_ns))) / NS_PER_S
    if period_s <= 0 or period_s > LONGEST_BATCH * float(np.median(weights_s)):
        return None
    phases, in_batch = _phases(times_ns, begins_ns, end_ns)
    met = _harmonics(phases, in_batch)
    added_s = weights_s @ met
    orders = _told(met, min(MOST_HARMONICS, len(watts) // READINGS_A_HARMONIC))
    hidden = np.setdiff1d(np.arange(1, LOCKING + 1), orders)
    uneven = np.hypot(added_s[2 * hidden - 2], added_s[2 * hidden - 1]) / weights_s.sum()
    found = _fitted(watts, weights_s, met, added_s, orders) or Pattern(watts)
    return replace(
        found, slow_j=_slow_j(watts, met, added_s, hidden), is_locked=bool(np.any(uneven > IN_STEP))
    )


def _fitted(watts: Floats, weights_s: Floats, met: Floats, added_s: Floats, orders: Ints) -> Pattern | None:
    """Return the pattern of as many harmonics as help, or None where the power does not follow them."""
    while len(orders):
        fit = _Fit.of(watts, weights_s, met, added_s, orders)
        if fit.growth <= MOST_GROWTH:
            return fit.pattern() if fit.explained > LEAST_EXPLAINED else None
        orders = orders[:-1]
    return None


def _slow_j(watts: Floats, met: Floats, added_s: Floats, hidden: Ints) -> float:
    """Return the energy that the sampling would have added if slow power were harmonics that look like it."""
    level = watts - watts.mean()
    squares = 0.0
    for order in hidden.tolist():
        both = met[:, 2 * order - 2 : 2 * order]
        heights = np.linalg.lstsq(both, level, rcond=None)[0]
        squares += float(added_s[2 * order - 2 : 2 * order] @ heights) ** 2
    return float(np.sqrt(squares))


def _phases(times_ns: Ints, begins_ns: Ints, end_ns: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return each reading's phase in its batch, 0 to 1, and whether it lies in a batch at all."""
    marks = np.append(begins_ns, max(end_ns, int(begins_ns[-1]) + 1))
    at = np.searchsorted(marks, times_ns, "right") - 1
    whole = (at >= 0) & (at < len(begins_ns))
    at = np.clip(at, 0, len(begins_ns) - 1)
    return (times_ns - marks[at]) / (marks[at + 1] - marks[at]), whole


def _harmonics(phases: Floats, in_batch: NDArray[np.bool_]) -> Floats:
    """Return cos and sin of each harmonic side by side, n × 2·HIGHEST; zero outside of batches."""
    turn = np.where(in_batch, np.exp(2j * np.pi * phases), 0.0)
    turns = np.cumprod(np.broadcast_to(turn[:, np.newaxis], (len(turn), HIGHEST)), axis=1)
    return np.stack((turns.real, turns.imag), 2).reshape(len(turn), -1)


@dataclass(frozen=True)
class _Fit:
    """A slow course and some harmonics (their numbers, `orders`), fitted to the readings by least squares.

    ``added_s`` is what each cos and sin adds up to over the readings, weighted; ``found`` are the heights.
    """

    watts: Floats
    met: Floats
    added_s: Floats
    orders: Ints
    found: Floats
    growth: float
    explained: float

    @classmethod
    def of(cls, watts: Floats, weights_s: Floats, met: Floats, added_s: Floats, orders: Ints) -> _Fit:
        """Return the fit of these harmonics. What looks like a slow course is never taken for a harmonic."""
        slow, columns = _slow(len(watts)), _columns(orders)
        design = np.column_stack((slow, met[:, columns]))
        square = design.T @ design
        aim = np.append(np.zeros(slow.shape[1]), added_s[columns])
        effective = weights_s - design @ np.linalg.solve(square, aim)
        found = np.linalg.solve(square, design.T @ watts)
        rest = watts - design @ found
        plain = watts - slow @ (slow.T @ watts) / len(watts)
        free = (len(watts) - slow.shape[1]) / (len(watts) - design.shape[1])
        whole = float(plain @ plain)
        return cls(
            watts=watts,
            met=met,
            added_s=added_s,
            orders=orders,
            found=np.asarray(found[slow.shape[1] :], np.float64),
            growth=float(effective @ effective / (weights_s @ weights_s)) * free,
            explained=1.0 - float(rest @ rest) * free / whole if whole else 0.0,
        )

    def pattern(self) -> Pattern:
        """Return what the fit takes out, and what it cannot see.

        A pattern of steps has harmonics that fall as 1/h, each at a phase of its own: those that are not
        fitted are taken to be as high as the fitted ones would have it.
        """
        columns, others = _columns(self.orders), np.setdiff1d(np.arange(1, HIGHEST + 1), self.orders)
        heights = np.hypot(self.found[::2], self.found[1::2]) * self.orders
        beyond_s = np.hypot(self.added_s[2 * others - 2], self.added_s[2 * others - 1]) / others
        return Pattern(
            rest_w=self.watts - self.met[:, columns] @ self.found,
            excess_j=float(self.added_s[columns] @ self.found),
            locked_j=float(np.sqrt(np.mean(heights**2) * np.sum(beyond_s**2) / 2)),
            growth=self.growth,
            harmonics=len(self.orders),
        )


def _columns(orders: Ints) -> Ints:
    """Return the places of the harmonics' cos and sin."""
    places: Ints = np.column_stack((2 * orders - 2, 2 * orders - 1)).ravel()
    return places


@lru_cache(maxsize=4)
def _slow(count: int) -> Floats:
    """Return a constant and slow cosines, of mean square 1 and at right angles: n × (about n/6)."""
    many = int(np.clip(count // READINGS_A_COSINE, 2, MOST_COSINES))
    angles = np.pi * (np.arange(count)[:, np.newaxis] + 0.5) * np.arange(many) / count
    cosines: Floats = np.cos(angles)
    cosines[:, 1:] *= np.sqrt(2.0)
    return cosines


def _told(met: Floats, most: int) -> Ints:
    """Return which harmonics the readings can tell from a slow course of power."""
    slow = _slow(len(met))
    inside = slow.T @ met[:, : 2 * most]
    share = (inside**2).sum(axis=0) / len(met) / np.maximum((met[:, : 2 * most] ** 2).sum(axis=0), 1e-12)
    orders: Ints = np.flatnonzero(np.maximum(share[::2], share[1::2]) < MOST_SLOW) + 1
    return orders
