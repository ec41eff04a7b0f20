"""Drift: the slope of a long, serially correlated series, by Theil and Sen, with its 95 % interval. Pure.

The slope is the median of the slopes of pairs of blocks (Theil 1950; Sen, J. Am. Stat. Assoc. 63, 1968). Two
things are never held against each other: blocks on two sides of a step, and, where the series has two days or
more, blocks of different times of day (seasonal Kendall slope: Hirsch, Slack & Smith, Water Resour. Res. 18,
1982), so that neither a step nor a daily cycle is taken for drift.

The interval is Sen's, by the variance of Kendall's S, which neighbours that are alike make wider: by
(1 + ρ) / (1 − ρ) for blocks whose correlation is ρ (as Hamed & Rao, J. Hydrol. 204, 1998, for short memory).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.soak.blocks import MAD, Blocks
from analyzer.soak.series import Floats, Ints
from analyzer.work import Z95

LEAST_BLOCKS = 8


class Slope(NamedTuple):
    """A slope a second with its 95 % interval, and the correlation of neighbouring blocks (0 to 1)."""

    value: float
    lo: float
    hi: float
    correlation: float


def slope_of(blocks: Blocks, stops: tuple[int, ...] = ()) -> Slope | None:
    """The drift of blocks, None of too few; a step lies before each of the places `stops`."""
    if len(blocks) < LEAST_BLOCKS:
        return None
    part = np.searchsorted(np.array(stops, np.int64), np.arange(len(blocks)), side="right")
    group = part * (int(blocks.hour.max()) + 1) + blocks.hour
    slopes, variance = _pairs(blocks.t_s, blocks.y, group)
    if not len(slopes):
        return None
    rho = correlation_of(blocks, group)
    half = Z95 * math.sqrt(variance * (1 + rho) / (1 - rho)) / 2
    slopes.sort()
    low = math.floor(len(slopes) / 2 - half)
    high = math.ceil(len(slopes) / 2 + half)
    return Slope(
        value=float(np.median(slopes)),
        lo=float(slopes[low]) if low >= 0 else -math.inf,
        hi=float(slopes[high]) if high < len(slopes) else math.inf,
        correlation=rho,
    )


def correlation_of(blocks: Blocks, group: Ints) -> float:
    """The correlation of neighbouring blocks, what a line and the groups' middles explain taken away.

    Corrected for the bias of short series (Marriott & Pope, Biometrika 41, 1954); never below 0.
    """
    rest = _rest(blocks, group)
    near = blocks.at[1:] - blocks.at[:-1] == 1
    if near.sum() < 3 or not rest.any():
        return 0.0
    rho = float(np.mean(rest[1:][near] * rest[:-1][near]) / np.mean(rest**2))
    return min(max(0.0, rho + (1 + 4 * rho) / len(rest)), 0.95)


def _rest(blocks: Blocks, group: Ints) -> Floats:
    """What remains of each block; far-off ones are drawn in to three robust standard deviations."""
    slopes, _ = _pairs(blocks.t_s, blocks.y, group)
    rest: Floats = blocks.y - (float(np.median(slopes)) * blocks.t_s if len(slopes) else 0.0)
    for each in np.unique(group):
        rest[group == each] -= np.mean(rest[group == each])
    limit = 3 * MAD * float(np.median(np.abs(rest)))
    return np.clip(rest, -limit, limit)


def _pairs(t_s: Floats, y: Floats, group: Ints) -> tuple[Floats, float]:
    """The slopes of all pairs within each group, and the variance of Kendall's S over all groups."""
    slopes: list[Floats] = []
    variance = 0.0
    for each in np.unique(group):
        times, values = t_s[group == each], y[group == each]
        n = len(times)
        if n > 1:
            early, late = np.triu_indices(n, 1)
            slopes.append((values[late] - values[early]) / (times[late] - times[early]))
            variance += n * (n - 1) * (2 * n + 5) / 18
    return (np.concatenate(slopes) if slopes else np.zeros(0)), variance
