"""Regret and tau with their 95 % intervals, from draws: what is lost by a pick, how alike two orders are."""

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

    For what ends somewhere, as a regret does at 0: leaving out 2.5 % on each side would make an interval of
    97.5 % where one side has nothing to leave out.
    """
    low, high = _ends(draws)
    return {f"{name}_lo": rounded(low), f"{name}_hi": rounded(high)}


def around_tau(tau: float | None, draws: Floats) -> dict[str, float]:
    """Return the interval of Kendall's tau as fields of a document: the shortest, and what noise hides.

    Noise brings an order nearer to chance: the measured order is that far from the true one as the draws
    are, in the mean, from the measured one. So the true tau lies by twice this beyond the draws.
    """
    low, high = _ends(draws)
    beyond = 0.0 if tau is None else 2.0 * (tau - float(draws.mean()))
    ends = max(low + min(beyond, 0.0), -1.0), min(high + max(beyond, 0.0), 1.0)
    return {"tau_lo": rounded(ends[0]), "tau_hi": rounded(ends[1])}


def _ends(draws: Floats) -> tuple[float, float]:
    """Return both ends of the shortest interval that holds 95 % of the draws."""
    ordered = np.sort(draws)
    kept = ceil((INTERVAL[1] - INTERVAL[0]) * ordered.size)
    widths = ordered[kept - 1 :] - ordered[: ordered.size - kept + 1]
    narrow = np.flatnonzero(widths <= widths.min() + TINY)
    first = int(narrow[len(narrow) // 2])
    return float(ordered[first]), float(ordered[first + kept - 1])
