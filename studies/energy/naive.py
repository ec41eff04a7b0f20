"""The ways that energy is often computed, for comparison: none has an interval."""

from __future__ import annotations

import numpy as np

from studies.energy.sensors import Readings, Sensor
from studies.energy.truth import Floats

NAMES = (
    "mean × time",
    "inside-only trapezoid",
    "dedup + trapezoid",
    "right-end rectangle",
    "counter read at each tick",
)
# What is lost of a counter that is read so often, at these intervals (s): arXiv 2312.02741, an RTX 4090.
_READ_EVERY_S, _LOST = (5e-4, 1.0), (0.95, 0.016)


def energies(sensor: Sensor, readings: Readings, length_s: float, truth_j: float) -> tuple[float, ...]:
    """Joules from 0 to `length_s` by each of `NAMES`, NaN where a way has no answer; stamps as they came."""
    inside = (readings.at_s >= 0) & (readings.at_s <= length_s)
    at, values = readings.at_s[inside], readings.watts[inside]
    if len(at) < 2:
        return (float("nan"),) * len(NAMES)
    new = np.append(True, values[1:] != values[:-1])
    return (
        float(values.mean() * length_s),
        _trapezoid(at, values),
        _trapezoid(at[new], values[new]),
        float(np.sum(values * np.diff(at, prepend=0.0))),
        truth_j * (1 - _lost(sensor.tick_s)) if sensor.has_counter else float("nan"),
    )


def _trapezoid(at: Floats, watts: Floats) -> float:
    return float(np.sum((watts[1:] + watts[:-1]) * np.diff(at)) / 2)


def _lost(every_s: float) -> float:
    return float(np.exp(np.interp(np.log(every_s), np.log(_READ_EVERY_S), np.log(_LOST))))
