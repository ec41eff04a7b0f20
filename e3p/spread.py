"""Quantiles of very many durations in little memory."""

from __future__ import annotations

import math
from collections import Counter

STEP = 1.02
LEAST_S = 1e-6


class Spread:
    """Durations, counted in steps of 2 %."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """One more."""
        self._counts[math.ceil(math.log(max(seconds, LEAST_S), STEP))] += 1

    def quantile(self, share: float) -> float | None:
        """The duration that this share of them does not exceed; None of nothing."""
        left = share * sum(self._counts.values())
        for step in sorted(self._counts):
            left -= self._counts[step]
            if left <= 0:
                return float(STEP**step)
        return None
