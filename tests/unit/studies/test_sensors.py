"""The study's sensors are those of the product: the same model, the same facts."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from edge_node.power.model import SensorModel
from edge_node.power.waveforms import Square
from studies.energy import sensors
from studies.energy.sensors import SENSORS, Errors
from studies.energy.truth import Truth

WAVE = Square(5.0, 20.0, period_s=0.31, duty=0.4)


def truth() -> Truth:
    begins = np.arange(-20, 60) * 0.31
    edges = np.column_stack((begins, begins + 0.4 * 0.31)).ravel()
    return Truth.of(np.append(edges, 60 * 0.31), np.tile([25.0, 5.0], len(begins)))


@pytest.mark.parametrize("name", SENSORS)
def test_a_reading_is_what_the_agents_sensor_model_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = SENSORS[name]
    monkeypatch.setattr(sensors, "JITTER_S", 0.0)
    errors = Errors(gain=1.03, offset_w=0.2, late_s=0.01 * sensor.period_s)
    quiet = dataclasses.replace(sensor, info=msgspec.structs.replace(sensor.info, noise_w=None))
    rng = np.random.default_rng(3)
    at = np.sort(rng.uniform(0, 5, 200))
    rng = np.random.default_rng(8)
    shown = sensors.shown(quiet, errors, truth(), at, rng)
    model = SensorModel(
        period_s=sensor.period_s,
        averaging_s=sensor.averaging_s,
        delay_s=sensor.averaging_s / 2 + errors.late_s,
        phase_s=np.random.default_rng(8).uniform(0, sensor.period_s),
        gain=errors.gain,
        offset_w=errors.offset_w,
        step_w=sensor.info.resolution_w or 0.0,
    )
    assert shown.tolist() == pytest.approx([model.reading_w(WAVE, float(t)) for t in at], abs=1e-6)


@pytest.mark.parametrize("name", SENSORS)
def test_readings_reach_around_the_trial_as_far_as_the_arithmetic_looks(name: str) -> None:
    sensor, rng = SENSORS[name], np.random.default_rng(1)
    readings = sensors.read(sensor, sensor.draw(rng), truth(), 3.0, rng, 0.0)
    assert readings.at_s[0] < -sensor.spacing_s
    assert readings.at_s[-1] > 3.0 + sensor.info.delay_ms * 1e-3
    assert len(readings.counted_at) == (2 if sensor.has_counter else 0)


def test_the_counter_is_read_after_both_marks_and_every_five_seconds() -> None:
    sensor, rng = SENSORS["rtx-counter"], np.random.default_rng(1)
    readings = sensors.read(sensor, sensor.draw(rng), truth(), 12.0, rng, 0.0)
    at = readings.at_s[readings.counted_at]
    assert at == pytest.approx([0.0, 5.0, 10.0, 12.0], abs=0.02)
    assert at[0] >= 0
    assert at[-1] >= 12.0
