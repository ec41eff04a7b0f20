"""When to try again: waits that double, spread by chance so that a fleet does not return in one instant."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio

FIRST_S = 0.2
LONGEST_S = 10.0
REFUSED_S = 30.0
STEADY_S = 30.0
"""A connection that held so long was a good one: the waits begin anew."""


class Retry(NamedTuple):
    """Chance (0 … 1), sleep and clock, which tests replace."""

    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    clock: Callable[[], float] = time.monotonic

    def wait_s(self, failures: int, *, refused: bool = False) -> float:
        """Seconds before the next try after so many failures in a row; a refusal takes longer to mend."""
        longest = REFUSED_S if refused else min(LONGEST_S, FIRST_S * 2 ** min(failures, 10))
        return longest * (0.5 + self.chance() / 2)
