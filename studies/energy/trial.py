"""One repeat of a cell: two models on one sensor, each measured as the analyzer measures a trial."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.energy import Known, Piece, Trace, WindowEnergy, join, measure
from studies.energy import naive
from studies.energy.conditions import CLEAN, Condition, kept
from studies.energy.sensors import Errors, Readings, Sensor, read
from studies.energy.waves import Load

# Like node time: a float of this size knows only every 256th nanosecond.
START_NS = 1_700_000_000_123_456_789


class Outcome(NamedTuple):
    """Joules of one window: the truth, ours, and in clean cells the naive ways."""

    truth_j: float
    ours: WindowEnergy
    naive_j: tuple[float, ...] | None


def outcome(
    load: Load, sensor: Sensor, errors: Errors, condition: Condition, rng: np.random.Generator
) -> Outcome:
    """Run one trial and measure it."""
    run = load.draw(rng)
    readings = read(sensor, errors, run.power, load.length_s, rng, condition.jitter)
    keep = kept(condition, sensor, readings.at_s, load.length_s, rng)
    keep[readings.counted_at] = True
    off_s = condition.clock_u95_s / 1.96 * rng.standard_normal()
    truth_j = float(run.power.energy_j(0.0, load.length_s))
    ways = naive.energies(sensor, readings, load.length_s, truth_j) if condition.name == CLEAN else None
    known = Known(
        batch_begin_ns=_ns(run.batches_s),
        clock_u95_ns=round(condition.clock_u95_s * 1e9),
        is_marked=True,
    )
    trace, end_ns = trace_of(sensor, readings, keep, off_s), START_NS + round(load.length_s * 1e9)
    return Outcome(truth_j, measure(trace, sensor.facts, START_NS, end_ns, known), ways)


def trace_of(sensor: Sensor, readings: Readings, keep: NDArray[np.bool_], off_s: float = 0.0) -> Trace:
    """The readings as frames bring them: 32-bit watts, a counter at the end of some frames."""
    times, watts = _ns(readings.at_s + off_s), readings.watts.astype(np.float32)[:, np.newaxis]
    tick_ns = round(sensor.tick_s * 1e9)
    ends = np.append(readings.counted_at, len(times) - 1)
    counters = [*readings.counted_j.tolist(), None]
    pieces, start = [], 0
    for end, counter_j in zip(ends.tolist(), counters, strict=True):
        chosen = slice(start, end + 1)
        there = keep[chosen]
        if there.any():
            stamps = times[chosen][there]
            pieces.append(
                Piece(int(stamps[0]), stamps, watts[chosen][there], tick_ns, int((~there).sum()), counter_j)
            )
        start = end + 1
    return join(pieces)


def _ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return START_NS + np.round(seconds * 1e9).astype(np.int64)
