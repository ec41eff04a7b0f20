"""A long series as a few hundred blocks of equal time: medians, and how neighbours are alike. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analyzer.soak.series import Floats, Ints
from telemetry.contract.soak_plan import DAY_S

MOST_BLOCKS, LEAST_BLOCKS = 288, 20
A_BLOCK = 5
"""Windows in a block, where there are enough of them: neighbours are alike, blocks less so."""
BLOCKS_A_DAY = (96, 48, 24, 12, 8, 6, 4)
"""A day is cut into whole blocks, the shortest that keep a soak of two days or more within `MOST_BLOCKS`."""
FILLED = 0.3
"""A block with less than this share of the usual windows is left out."""
MAD = 1.4826
"""From the median absolute deviation to a standard deviation of normal values."""


@dataclass(frozen=True)
class Blocks:
    """m blocks: middle times (s), medians, and `hour`, the time of day that only likes are compared in.

    `at` numbers the blocks by time, with holes where one is absent. `hour` is 0 for all of a soak of less
    than two days.
    """

    t_s: Floats
    y: Floats
    at: Ints
    hour: Ints
    is_seasonal: bool

    def __len__(self) -> int:
        return len(self.y)


def blocks_of(t_s: Floats, y: Floats) -> Blocks:
    """Blocks of a series: `t_s` rising seconds, `y` without NaN; both float64[n]."""
    span_s = float(t_s[-1] - t_s[0]) if len(t_s) else 0.0
    is_seasonal = span_s >= 2 * DAY_S
    length_s = _length_s(span_s, len(t_s), is_seasonal=is_seasonal)
    at = ((t_s - (0.0 if is_seasonal else t_s[0] if len(t_s) else 0.0)) // length_s).astype(np.int64)
    numbers, first, counts = np.unique(at, return_index=True, return_counts=True)
    keep = counts >= FILLED * np.median(counts) if len(counts) else counts > 0
    parts = [slice(begin, begin + count) for begin, count in zip(first[keep], counts[keep], strict=True)]
    a_day = round(DAY_S / length_s) if is_seasonal else 1
    return Blocks(
        t_s=np.array([t_s[part].mean() for part in parts]),
        y=np.array([np.median(y[part]) for part in parts]),
        at=numbers[keep],
        hour=numbers[keep] % a_day,
        is_seasonal=is_seasonal,
    )


def _length_s(span_s: float, windows: int, *, is_seasonal: bool) -> float:
    if not is_seasonal:
        count = min(windows, max(LEAST_BLOCKS, windows // A_BLOCK), MOST_BLOCKS)
        return max(span_s, 1.0) * (1 + 1e-9) / max(1, count)
    fits = (each for each in BLOCKS_A_DAY if each * span_s / DAY_S <= MOST_BLOCKS)
    return DAY_S / next(fits, BLOCKS_A_DAY[-1])


def noise_of(blocks: Blocks) -> tuple[float, float]:
    """Standard deviation of a block, and the correlation ρ of neighbours, blind to steps, drift and days.

    From differences of blocks one and two apart: for short memory their variances are 2 σ² (1 − ρ) and
    2 σ² (1 − ρ²). Few large differences, as steps make, do not move a median.
    """
    one, two = _spread(blocks, 1), _spread(blocks, 2)
    if not one > 0:
        return 0.0, 0.0
    rho = float(np.clip((two / one) ** 2 - 1, 0.0, 0.95))
    return one / math.sqrt(2 * (1 - rho)), rho


def _spread(blocks: Blocks, lag: int) -> float:
    """Robust standard deviation of differences of blocks that are `lag` apart; 0 without any."""
    near = blocks.at[lag:] - blocks.at[:-lag] == lag
    steps = (blocks.y[lag:] - blocks.y[:-lag])[near]
    return MAD * float(np.median(np.abs(steps - np.median(steps)))) if len(steps) else 0.0
