"""The sensors of the study: what their manifests state, and what they say of a truth.

The same model as `edge_node.power.model`, for arrays. Gain and offset are drawn normal from the stated
standard uncertainty (JCGM 101 6.4.7: nothing else is known of them); the delay within a quarter of the period
around the stated one; phases of sensor and sampler are uniform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.energy import SensorFacts, facts_of
from edge_node.power.jetson.ina3221 import GAIN_UNCERTAINTY, offset_u_w, step_w, update_ms
from edge_node.power.nvml import GAIN_UNCERTAINTY as NVML_GAIN
from edge_node.power.nvml import RESOLUTION_W
from edge_node.power.nvml_table import Field, response
from studies.energy.truth import Floats, Truth
from studies.energy.waves import AROUND_S, Levels
from telemetry.contract.manifest import StreamInfo

Ints = NDArray[np.int64]

# What the sampler's clock does in ordinary times, seconds (standard deviation).
JITTER_S = 1e-4
COUNTER_EVERY_S = 5.0
COUNTER_STEP_J = 1e-3


@dataclass(frozen=True)
class Sensor:
    """One sensor as it is sampled."""

    name: str
    words: str
    info: StreamInfo
    rate_hz: float
    levels: Levels
    has_counter: bool = False

    @property
    def facts(self) -> SensorFacts:
        """What the analyzer makes of the manifest."""
        return facts_of(self.info)

    @property
    def tick_s(self) -> float:
        return 1.0 / self.rate_hz

    @property
    def period_s(self) -> float:
        return self.info.period_ms * 1e-3

    @property
    def averaging_s(self) -> float:
        return (self.info.averaging_window_ms or 0.0) * 1e-3

    @property
    def spacing_s(self) -> float:
        return max(self.tick_s, self.period_s)

    def draw(self, rng: np.random.Generator) -> Errors:
        """The systematic errors of one repeat."""
        return Errors(
            gain=1.0 + (self.info.gain_uncertainty or 0.0) * rng.standard_normal(),
            offset_w=(self.info.offset_w_uncertainty or 0.0) * rng.standard_normal(),
            late_s=rng.uniform(-0.25, 0.25) * self.period_s,
        )


class Errors(NamedTuple):
    """What is the same in all windows of one sensor: gain, offset, and its delay less the stated one."""

    gain: float
    offset_w: float
    late_s: float


class Readings(NamedTuple):
    """What the agent would have: stamps (s), watts, and the counter at some of them (places, joules)."""

    at_s: Floats
    watts: Floats
    counted_at: Ints
    counted_j: Floats


def read(
    sensor: Sensor, errors: Errors, power: Truth, length_s: float, rng: np.random.Generator, jitter: float
) -> Readings:
    """Sample a truth from a little before the trial to a little after it.

    `jitter` is by how much of a tick samples come early or late (uniform), beyond the ordinary.
    """
    tick = sensor.tick_s
    around_s = min(max(6 * sensor.spacing_s, 0.5) + sensor.averaging_s + 2 * sensor.period_s, AROUND_S)
    count = int((length_s + 2 * around_s) / tick) + 2
    at: Floats = np.asarray(-around_s + (rng.uniform(0, 1) + np.arange(count)) * tick, np.float64)
    at += np.minimum(JITTER_S, 0.05 * tick) * rng.standard_normal(count)
    if jitter:
        at += rng.uniform(-jitter, jitter, count) * tick
    watts = shown(sensor, errors, power, at, rng)
    places, joules = np.empty(0, np.int64), np.empty(0)
    if sensor.has_counter:
        places = _counter_places(at, length_s, rng)
        joules = _counted(sensor, errors, power, at[places], rng.uniform(0, sensor.period_s))
    return Readings(at, watts, places, joules)


def shown(sensor: Sensor, errors: Errors, power: Truth, at: Floats, rng: np.random.Generator) -> Floats:
    """What the sensor shows at those times: the value of the last update, as `SensorModel` has it."""
    period, window = sensor.period_s, sensor.averaging_s
    number, which = _updates(at, rng.uniform(0, period), period)
    # The stated delay is that of a moment taken by chance: the value's own, and half a period of holding.
    centre = number - (sensor.info.delay_ms * 1e-3 - period / 2) - errors.late_s
    true_w = (
        power.energy_j(centre - window / 2, centre + window / 2) / window if window else power.power_w(centre)
    )
    noise_w = (sensor.info.noise_w or 0.0) * rng.standard_normal(len(number))
    shown_w = true_w * errors.gain + errors.offset_w + noise_w
    step = sensor.info.resolution_w
    return np.asarray(np.round(shown_w / step) * step if step else shown_w)[which]


def _updates(at: Floats, phase_s: float, period_s: float) -> tuple[Floats, Ints]:
    """When the sensor was renewed (s), and which of these each reading shows."""
    number = np.floor((at - phase_s) / period_s)
    least = number.min()
    many = int(number.max() - least) + 1
    if many > 2 * len(at):
        found, which = np.unique(number, return_inverse=True)
        return found * period_s + phase_s, which
    return (least + np.arange(many)) * period_s + phase_s, (number - least).astype(np.int64)


def _counter_places(at: Floats, length_s: float, rng: np.random.Generator) -> Ints:
    """Where the counter is read: when the rate changes after the begin mark, every 5 s, and at the end."""
    first = int(np.searchsorted(at, rng.uniform(0.0, 0.01)))
    last = min(int(np.searchsorted(at, length_s)), len(at) - 1)
    between = np.searchsorted(at, np.arange(at[first] + COUNTER_EVERY_S, length_s, COUNTER_EVERY_S))
    return np.unique(np.concatenate(([first], between, [last]))).astype(np.int64)


def _counted(sensor: Sensor, errors: Errors, power: Truth, at: Floats, phase_s: float) -> Floats:
    renewed = np.floor((at - phase_s) / sensor.period_s) * sensor.period_s + phase_s
    joules = power.energy_j(np.full(len(renewed), -AROUND_S), renewed) * errors.gain
    return np.asarray(np.round(joules / COUNTER_STEP_J) * COUNTER_STEP_J)


def _jetson(rate_hz: float) -> Sensor:
    """A TX2's VDD_IN at 19 V through 5 mΩ, seen by a chip as its driver leaves it.

    Each of three channels converts its shunt for 1.1 ms of every 6.6 ms.
    """
    period_ms, window_ms = update_ms(0x7127), 1.1
    return Sensor(
        name=f"tx2@{rate_hz:g}",
        words=f"Jetson TX2, INA3221 read at {rate_hz:g} Hz",
        info=StreamInfo(
            stream="main",
            sensor="jetson",
            channels=("VDD_IN",),
            total="VDD_IN",
            origin="measured",
            period_ms=period_ms,
            averaging_window_ms=window_ms,
            delay_ms=(window_ms + period_ms) / 2,
            holds=True,
            resolution_w=step_w(19.0, 5e-3),
            noise_w=0.05,
            gain_uncertainty=GAIN_UNCERTAINTY,
            offset_w_uncertainty=offset_u_w(19.0, 5e-3),
            max_w=60.0,
        ),
        rate_hz=rate_hz,
        levels=Levels(3.0, 6.0, 15.0),
    )


def _nvidia(
    name: str, words: str, architecture: int, field: Field, levels: Levels, *, counter: bool = False
) -> Sensor:
    known = response(architecture, (9, 0) if architecture == 9 else (8, 6), "550.54", field)
    return Sensor(
        name=name,
        words=words,
        info=StreamInfo(
            stream="main",
            sensor="nvml",
            channels=("gpu",),
            total="gpu",
            origin="measured",
            period_ms=known.period_ms,
            averaging_window_ms=known.averaging_ms,
            delay_ms=((known.averaging_ms or 0.0) + known.period_ms) / 2,
            holds=True,
            resolution_w=RESOLUTION_W,
            noise_w=0.005 * levels.least_w,
            gain_uncertainty=NVML_GAIN,
            max_w=1000.0,
        ),
        rate_hz=200.0,
        levels=levels,
        has_counter=counter,
    )


_RTX, _H100 = Levels(8.0, 30.0, 75.0), Levels(70.0, 200.0, 650.0)
SENSORS = {
    sensor.name: sensor
    for sensor in (
        _jetson(1.0),
        _jetson(10.0),
        _jetson(200.0),
        _jetson(1000.0),
        _nvidia("rtx-instant", "RTX 3050, instant: new every 100 ms, a mean of 100 ms", 7, "instant", _RTX),
        _nvidia("rtx-average", "RTX 3050, average: new every 100 ms, a mean of 1 s", 7, "draw", _RTX),
        _nvidia(
            "rtx-counter",
            "RTX 3050, energy counter beside the instant power",
            7,
            "instant",
            _RTX,
            counter=True,
        ),
        _nvidia("h100", "H100, instant: 25 of every 100 ms", 9, "instant", _H100),
    )
}
