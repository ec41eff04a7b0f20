"""Two small groups of numbers against each other: difference, effect size, permutation test. Pure."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb, exp, lgamma, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.regret import INTERVAL
from analyzer.rounding import rounded

Floats = NDArray[np.float64]

LEAST = 3
"""The spread of two numbers is hardly known: Welch's interval then covers 90 % instead of 95."""
EXACT = 20_000
"""Up to so many ways to divide the numbers, each is tried; beyond, so many by chance."""
DRAWS = 20_000
GRID = 20_000


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """The mean of a group less that of the others, with its 95 % interval.

    `g` is Hedges' g, the difference in standard deviations of one model, with its interval; `p` the share of
    ways to divide the numbers that differ at least as much, `p_least` the smallest that so few can reach.
    """

    difference: float
    lo: float
    hi: float
    g: float
    g_lo: float
    g_hi: float
    p: float
    p_least: float


def contrast(values: Floats, inside: NDArray[np.bool_]) -> Contrast:
    """Return how the values of a group differ from all others; at least three on each side.

    The interval is Welch's (Biometrika 34, 1947): both sides keep their own spread. That of g is drawn from
    what t says of the standardised difference; g itself is Hedges' unbiased one (J. Educ. Stat. 6, 1981).
    """
    one, other = values[inside], values[~inside]
    difference = float(one.mean() - other.mean())
    half = _welch(one, other)
    g, g_lo, g_hi = _hedges(one, other)
    p, p_least = _permutation(values, int(inside.sum()), abs(difference))
    return Contrast(
        difference=rounded(difference),
        lo=rounded(difference - half),
        hi=rounded(difference + half),
        g=rounded(g),
        g_lo=rounded(g_lo),
        g_hi=rounded(g_hi),
        p=rounded(p),
        p_least=rounded(p_least),
    )


@lru_cache
def student_975(dof: float) -> float:
    """Return the 97.5 % quantile of Student's t, for 1 degree of freedom or more.

    With t = √ν·tan θ, P(|T| < t) is the integral of cos^(ν-1) from 0 to θ over that to π/2.
    """
    theta = np.linspace(0.0, np.pi / 2, GRID + 1)
    density = np.cos(theta[:-1] + theta[1] / 2) ** (max(dof, 1.0) - 1.0)
    share = np.concatenate([[0.0], np.cumsum(density)]) / density.sum()
    return float(np.sqrt(max(dof, 1.0)) * np.tan(np.interp(INTERVAL[1] - INTERVAL[0], share, theta)))


def _welch(one: Floats, other: Floats) -> float:
    """Return half of the 95 % interval of the difference of the means."""
    parts = np.array([one.var(ddof=1) / one.size, other.var(ddof=1) / other.size])
    if not parts.sum():
        return 0.0
    dof = parts.sum() ** 2 / np.sum(parts**2 / np.array([one.size - 1, other.size - 1]))
    return student_975(float(dof)) * sqrt(parts.sum())


def _hedges(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Return g and its interval; 0 where nothing differs at all."""
    dof = one.size + other.size - 2
    squares = float(np.sum((one - one.mean()) ** 2) + np.sum((other - other.mean()) ** 2))
    if not squares:
        return 0.0, 0.0, 0.0
    size = float(one.mean() - other.mean()) / sqrt(squares / dof)
    root = sqrt(one.size * other.size / (one.size + other.size))
    rng = np.random.default_rng(0)
    drawn = size * np.sqrt(rng.chisquare(dof, DRAWS) / dof) - rng.standard_normal(DRAWS) / root
    low, high = np.quantile(drawn, INTERVAL)
    return size * _unbiased(dof), float(low), float(high)


def _unbiased(dof: int) -> float:
    """Return Hedges' factor J: a difference over an estimated spread comes out too large by 1/J."""
    return exp(lgamma(dof / 2) - lgamma((dof - 1) / 2)) / sqrt(dof / 2) if dof > 1 else 1 / sqrt(np.pi)


def _permutation(values: Floats, count: int, seen: float) -> tuple[float, float]:
    """Return the share of divisions that differ as much as what was seen, and the least such share."""
    ways = comb(values.size, count)
    if ways <= EXACT:
        chosen = np.array(list(combinations(range(values.size), count)))
        sums = values[chosen].sum(axis=1)
        extra = 0
    else:
        rng = np.random.default_rng(0)
        order = rng.random((EXACT, values.size)).argpartition(count, axis=1)[:, :count]
        sums, extra = values[order].sum(axis=1), 1  # the division that was seen is one of them
    off = np.abs(sums / count - (values.sum() - sums) / (values.size - count))
    as_far = np.count_nonzero(off >= seen * (1 - 1e-9)) + extra
    least = (2 if 2 * count == values.size else 1) / ways
    return as_far / (sums.size + extra), least
