"""``python -m studies.energy.net [REPEATS [SEED]]``: what the interval of the energy above idle is worth.

A device rests, runs a trial, and rests again, and its idle power moves one way from the first rest to the
second. The truth is the trial's energy less the idle power of that moment, which lies somewhere between both
rests. Sensors and loads are those of the study; each repeat draws anew what a trial cannot choose.
"""

from __future__ import annotations

import sys
import zlib
from typing import NamedTuple

import numpy as np

from analyzer.energy import Known, Rest, WindowEnergy, above_idle, measure, moved_w
from studies.energy.page import table
from studies.energy.sensors import SENSORS, Errors, Sensor, read
from studies.energy.trial import START_NS, trace_of
from studies.energy.truth import Floats, Truth
from studies.energy.waves import FAMILIES, load_of

REPEATS, SEED = 400, 7
TRIAL_S, REST_S = 10.0, 10.0
MOST_DRIFT = 0.05
"""How far idle power moves at most from rest to rest, as a share of itself."""
RIPPLE, RIPPLE_S = 0.02, 0.02
"""Idle power is never still: as a share of itself, anew every 20 ms."""
LEAST, WIDEST = 0.93, 1.5
NAMES = ("tx2@200", "tx2@1000", "rtx-instant", "rtx-counter", "h100")


class Held(NamedTuple):
    """Of valid trials of one sensor: in how many the truth lay inside, and how wide that was.

    `width` is the stated u95 over the error that 95 % stay below; `apart` is the u95 of both windows in
    quadrature, as if gain and offset were errors of each, over the stated one.
    """

    sensor: str
    counted: int
    coverage: float
    width: float
    apart: float


def conduct(name: str, seed: int, repeats: int) -> Held:
    """So many trials on one sensor, of every wave in turn."""
    rng, sensor = np.random.default_rng((seed, zlib.crc32(name.encode()))), SENSORS[name]
    waves = list(FAMILIES)
    found = [_one(sensor, waves[at % len(waves)], rng) for at in range(repeats)]
    errors, apart = np.array([each for each in found if each is not None]).T
    return Held(
        sensor=name,
        counted=len(errors),
        coverage=float(np.mean(errors <= 1.0)),
        width=float(1.0 / np.quantile(errors, 0.95)),
        apart=float(apart.mean()),
    )


def _one(sensor: Sensor, wave: str, rng: np.random.Generator) -> tuple[float, float] | None:
    """How far a net energy is off, and the u95 of both windows apart, in units of the stated u95."""
    errors = sensor.draw(rng)
    load = load_of(wave, rng, sensor.levels, TRIAL_S)
    run = load.draw(rng)
    moved = load.idle_w * rng.uniform(-MOST_DRIFT, MOST_DRIFT)
    before, after = (_rest(sensor, errors, load.idle_w + drift_w, rng) for drift_w in (0.0, moved))
    trial = _measured(sensor, errors, run.power, TRIAL_S, rng, run.batches_s)
    net = above_idle(trial, Rest(before, moved_w([before, after]), ""))
    if net is None or trial.state != "valid":
        return None
    idle_j = (load.idle_w + moved * rng.uniform()) * TRIAL_S
    truth_j = float(run.power.energy_j(0.0, TRIAL_S)) - idle_j
    apart_j = np.hypot(trial.energy_u95_j or 0.0, (before.energy_u95_j or 0.0) * TRIAL_S / REST_S)
    return abs(net.net_j - truth_j) / net.net_u95_j, float(apart_j) / net.net_u95_j


def _rest(sensor: Sensor, errors: Errors, idle_w: float, rng: np.random.Generator) -> WindowEnergy:
    edges = np.arange(-2.0 * REST_S, 3.0 * REST_S, RIPPLE_S)
    watts = idle_w * (1.0 + RIPPLE * rng.standard_normal(len(edges) - 1))
    return _measured(sensor, errors, Truth.of(edges, watts), REST_S, rng, np.empty(0))


def _measured(
    sensor: Sensor,
    errors: Errors,
    power: Truth,
    length_s: float,
    rng: np.random.Generator,
    batches_s: Floats,
) -> WindowEnergy:
    readings = read(sensor, errors, power, length_s, rng, jitter=0.0)
    trace = trace_of(sensor, readings, np.ones(len(readings.at_s), bool))
    begins_ns = START_NS + np.round(batches_s * 1e9).astype(np.int64)
    known = Known(batch_begin_ns=begins_ns if len(begins_ns) else None, is_marked=True)
    return measure(trace, sensor.facts, START_NS, START_NS + round(length_s * 1e9), known)


def main(repeats: int = REPEATS, seed: int = SEED) -> int:
    """Prints a line for each sensor; 1 where an interval holds the truth too seldom, or is far too wide."""
    held = [conduct(name, seed, repeats) for name in NAMES]
    rows = [
        (each.sensor, f"{each.counted}", f"{each.coverage:.1%}", f"{each.width:.2f}", f"{each.apart:.2f}")
        for each in held
    ]
    print(table(("sensor", "valid trials", "holds", "width", "both apart"), rows))
    return int(any(each.coverage < LEAST or each.width > WIDEST for each in held))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
