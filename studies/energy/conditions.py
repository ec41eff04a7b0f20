"""What goes wrong on the way: gaps, jitter, a meter's clock that is off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.energy.sensors import Sensor
from studies.energy.truth import Floats

Kept = NDArray[np.bool_]


class Condition(NamedTuple):
    """`gap` and `hole` take readings away; `jitter` is in ticks; `clock_u95_s` is a clock's stated 95 %."""

    name: str
    words: str
    gap: bool = False
    hole: bool = False
    jitter: float = 0.0
    clock_u95_s: float = 0.0


CLEAN = "clean"
CONDITIONS = {
    condition.name: condition
    for condition in (
        Condition(CLEAN, "nothing goes wrong"),
        Condition("gaps", "one to three gaps of two to five spacings", gap=True),
        Condition("hole", "a gap of more than five spacings, up to 4 % of the trial", hole=True),
        Condition(
            "rough",
            "samples up to 0.4 ticks early or late; stamps off by a normal error, stated: u95 = 20 ms",
            jitter=0.4,
            clock_u95_s=0.02,
        ),
    )
}


def kept(
    condition: Condition, sensor: Sensor, at_s: Floats, length_s: float, rng: np.random.Generator
) -> Kept:
    """Which samples arrive."""
    keep = np.ones(len(at_s), bool)
    if condition.gap:
        many = int(np.clip(0.1 * length_s / (3.5 * sensor.spacing_s), 1, 3))
        for _ in range(many):
            # One spacing more lies between the readings that are left.
            _take(keep, at_s, rng.integers(1, 5) * sensor.spacing_s, length_s, rng)
    if condition.hole:
        _take(keep, at_s, max(6.5 * sensor.spacing_s, rng.uniform(0.01, 0.04) * length_s), length_s, rng)
    return keep


def _take(keep: Kept, at_s: Floats, gap_s: float, length_s: float, rng: np.random.Generator) -> None:
    begin = rng.uniform(0, max(length_s - gap_s, 0))
    keep[(at_s > begin) & (at_s < begin + gap_s)] = False
