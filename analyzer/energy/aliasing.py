"""Locked aliasing: a load in step with a sensor that sees only part of the time.

Such a pair agrees for ever on the wrong number, and no statistic of the readings shows it. The marks do.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from analyzer.energy.trace import Ints
from analyzer.energy.view import View

# With more than four different phases the readings see enough of a batch.
LARGEST = 4
RATIOS = tuple((p, q) for p in range(1, LARGEST + 1) for q in range(1, LARGEST + 1) if gcd(p, q) == 1)
# Fewer batches show no period.
FEWEST = 8
# A sensor's period is not known better than this.
PERIOD_KNOWN = 0.005
# Below this the batches do not keep step with themselves: random delays break a lock.
IN_STEP = 0.5


def is_locked(view: View, batch_begin_ns: Ints) -> bool:
    """Return whether batches may run in step with a sensor that averages over less than its spacing.

    That is: batch period / spacing is near p/q with p and q up to 4, so that the readings fall on p phases
    of a batch, and stay there: over the whole window the phases do not drift as far as the next one.
    """
    begins = np.sort(batch_begin_ns[(batch_begin_ns >= view.begin_ns) & (batch_begin_ns <= view.end_ns)])
    if len(begins) < FEWEST or view.facts.averaging_ns >= view.spacing_ns:
        return False
    since = (begins - begins[0]).astype(np.float64)
    period, start = np.polyfit(np.arange(len(since)), since, 1)
    phases = (since - start - period * np.arange(len(since))) / period
    if abs(np.exp(2j * np.pi * phases).mean()) < IN_STEP:
        return False
    if any(_near(period, view.spacing_ns * p / q, since[-1] / period * p) for p, q in RATIOS):
        return True
    return _beats(view, period)


def _beats(view: View, period: float) -> bool:
    """Return whether batches keep step with the beat between a sensor's updates and the ticks that read it.

    A held value that is read about as often as it is renewed is weighed by how often it is read, which beats
    at the difference of both rates. In step with the batches that bends the mean: where harmonics of batches
    and updates add up to the ticks' rate for the whole window.
    """
    facts = view.facts
    if view.is_polled or not facts.holds or not 0 < view.tick_ns < facts.period_ns:
        return False
    duration_ns = view.end_ns - view.begin_ns
    for batch in range(1, LARGEST + 1):
        for update in (-2, -1, 1, 2):
            turns = view.tick_ns * (batch / period + update / facts.period_ns)
            if abs(turns - round(turns)) * duration_ns < view.tick_ns:
                return True
    return False


def _near(period: float, locked: float, steps: float) -> bool:
    """Return whether a period drifts by less than one of its phases against the locked one."""
    return bool(abs(period / locked - 1.0) <= PERIOD_KNOWN + 1.0 / steps)
