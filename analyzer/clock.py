"""A node's offset to UTC from exchanges with a peer that knows UTC.

An exchange is four stamps: the node sent (t1, node's clock), the peer received and sent (t2, t3, UTC), the
node received (t4). Messages only ever arrive late, never early, so each exchange gives two hard bounds:
t3 - t4 ≤ offset ≤ t2 - t1. However lopsided the delays are, the truth lies between the bounds of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.contract.frames import Exchange

Floats = NDArray[np.float64]

# Crystals keep within 100 ppm; over the minutes of a neighbourhood their rate wanders by about 1 ppm.
DRIFT_PPM = 100.0
WANDER_PPM = 1.0
RATE_STEP_PPM = 0.5
# Exchanges this near (20 minutes) and at most this many speak for an instant.
REACH_NS = 1_200_000_000_000
MOST = 256
PPM = 1e-6


@dataclass(frozen=True)
class Offset:
    """UTC minus the node's clock at one instant, and how fast it grows. The truth is within ± the u95.

    `drift_ppm` > 0: the node's clock is slow, and falls behind by so many microseconds a second.
    """

    offset_ns: int
    u95_ns: int
    drift_ppm: float
    drift_u95_ppm: float
    exchanges: int


class _Fit(NamedTuple):
    """What the exchanges allow: the lowest and highest offset (s) at the instant, and rates (s/s)."""

    low_s: float
    high_s: float
    slowest: float
    fastest: float


def offset_at(exchanges: Sequence[Exchange], at_ns: int) -> Offset | None:
    """Return the offset at `at_ns`, None without a usable exchange near.

    `at_ns`, t1 and t4 are of one clock of the node, monotonic or node time.

    The clock's rate against UTC is taken as constant near the instant, unknown within `DRIFT_PPM`, with
    `WANDER_PPM` of slack. Where no rate fits all exchanges (the peer's clock was stepped), the nearest that
    agree are taken.
    """
    origin = exchanges[0].t2 - exchanges[0].t1 if exchanges else 0
    since_s, low_s, high_s = _bounds(exchanges, at_ns, origin)
    count = _agreeing(since_s, low_s, high_s)
    found = _solve(since_s[:count], low_s[:count], high_s[:count]) if count else None
    if found is None:
        return None
    return Offset(
        offset_ns=origin + round((found.low_s + found.high_s) / 2 * 1e9),
        u95_ns=max(1, round((found.high_s - found.low_s) / 2 * 1e9)),
        drift_ppm=(found.slowest + found.fastest) / 2 / PPM,
        drift_u95_ppm=(found.fastest - found.slowest) / 2 / PPM + RATE_STEP_PPM / 2,
        exchanges=count,
    )


def _bounds(exchanges: Sequence[Exchange], at_ns: int, origin: int) -> tuple[Floats, Floats, Floats]:
    """Return when (s from the instant) and the offset's bounds (s from `origin`), nearest exchange first.

    An exchange that the peer held for longer than it took, or that was read backwards, is no exchange.
    """
    rows = [
        ((each.t1 + each.t4) // 2 - at_ns, each.t3 - each.t4 - origin, each.t2 - each.t1 - origin)
        for each in exchanges
        if each.t1 <= each.t4 and each.t3 - each.t4 <= each.t2 - each.t1
    ]
    near = sorted((row for row in rows if abs(row[0]) <= REACH_NS), key=lambda row: (abs(row[0]), row))
    since, low, high = np.array(near[:MOST], np.float64).reshape(-1, 3).T / 1e9
    return since, low, high


def _agreeing(since_s: Floats, low_s: Floats, high_s: Floats) -> int:
    """Return how many of the nearest exchanges some rate fits (bisection: more never fit better)."""
    if len(since_s) and _solve(since_s, low_s, high_s) is not None:
        return len(since_s)
    fits, fails = 0, len(since_s)
    while fails - fits > 1:
        count = (fits + fails) // 2
        if _solve(since_s[:count], low_s[:count], high_s[:count]) is None:
            fails = count
        else:
            fits = count
    return fits


def _solve(since_s: Floats, low_s: Floats, high_s: Floats) -> _Fit | None:
    """Return the offsets and rates that agree with every exchange, None if no rate fits."""
    rates = np.arange(-DRIFT_PPM, DRIFT_PPM + RATE_STEP_PPM, RATE_STEP_PPM) * PPM
    drifted = rates[:, None] * since_s
    # Half a step of the grid of rates is slack too, so that the true rate is never missed between two.
    slack = (WANDER_PPM + RATE_STEP_PPM / 2) * PPM * np.abs(since_s)
    highest = (high_s + slack - drifted).min(axis=1)
    lowest = (low_s - slack - drifted).max(axis=1)
    possible = highest >= lowest
    if not possible.any():
        return None
    fitting = rates[possible]
    return _Fit(
        float(lowest[possible].min()), float(highest[possible].max()), float(fitting[0]), float(fitting[-1])
    )
