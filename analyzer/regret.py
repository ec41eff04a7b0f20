"""Regret: what is lost by taking one row instead of the best, with the 95 % interval of its draws."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.rounding import rounded

Floats = NDArray[np.float64]

INTERVAL = (0.025, 0.975)
TINY = 1e-12


def regrets(sams: Floats, pick: Floats) -> Floats:
    """Return 1 - pick/best for each draw of rows × draws, of one row's draws or of several at once.

    Where both are infinite, or the best is nothing, nothing is lost.
    """
    best = sams.max(axis=0)
    defined = np.isfinite(best) & (best > 0)
    lost = 1.0 - np.divide(pick, best, out=np.ones_like(pick), where=defined)
    return np.where(np.isinf(best) & np.isfinite(pick), 1.0, lost)


def interval(name: str, draws: Floats) -> dict[str, Any]:
    """Return the 95 % interval of some draws as fields of a document: `NAME_lo`, `NAME_hi`."""
    low, high = np.quantile(draws, INTERVAL)
    return {f"{name}_lo": rounded(low), f"{name}_hi": rounded(high)}


def shortest(name: str, draws: Floats) -> dict[str, Any]:
    """Return the shortest interval that holds 95 % of the draws, as fields of a document.

    For what ends somewhere (a regret at 0, Kendall's tau at 1) or has few values: leaving out 2.5 % on each
    side would make an interval of 97.5 % where one side has nothing to leave out.
    """
    ordered = np.sort(draws)
    kept = ceil((INTERVAL[1] - INTERVAL[0]) * ordered.size)
    widths = ordered[kept - 1 :] - ordered[: ordered.size - kept + 1]
    narrow = np.flatnonzero(widths <= widths.min() + TINY)
    first = int(narrow[len(narrow) // 2])
    return {f"{name}_lo": rounded(ordered[first]), f"{name}_hi": rounded(ordered[first + kept - 1])}
