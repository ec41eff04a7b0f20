"""What a sensor of known faults says of a waveform of known energy."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_node.power.model import SensorModel
from edge_node.power.waveforms import Constant, Ramp, Square
from telemetry.contract.errors import UserError

SQUARE = Square(0.0, 10.0, period_s=1.0, duty=0.5)


@given(st.floats(0, 1e5))
def test_an_ideal_sensor_says_the_truth(t_s: float) -> None:
    assert SensorModel().reading_w(SQUARE, t_s) == SQUARE.power_w(t_s)


def test_a_value_is_held_until_the_next_update() -> None:
    model = SensorModel(period_s=0.1)
    readings = {model.reading_w(Ramp(0.0, 10.0, 1.0), 5.2 + step * 0.0099 + 0.0001) for step in range(10)}
    assert len(readings) == 1


def test_an_average_is_the_exact_mean_over_its_window() -> None:
    # The window 0.4 s to 0.6 s is half high, half low.
    assert SensorModel(averaging_s=0.2).reading_w(SQUARE, 3.6) == pytest.approx(5.0)


def test_a_sensor_that_sees_a_quarter_of_the_time_misses_what_happens_in_the_rest() -> None:
    blink = Square(0.0, 10.0, period_s=0.1, duty=0.5)
    model = SensorModel(period_s=0.1, averaging_s=0.025)
    assert [model.reading_w(blink, 1.05 + 0.1 * step) for step in range(5)] == pytest.approx([0.0] * 5)


def test_a_delay_shows_what_was_true_before() -> None:
    assert SensorModel(delay_s=0.3).reading_w(SQUARE, 3.7) == SQUARE.power_w(3.4)


def test_no_value_averages_over_the_future() -> None:
    assert SensorModel(averaging_s=0.2, delay_s=0.01).centre_s == 0.1


def test_a_held_value_is_half_a_period_older_on_the_average() -> None:
    # NVML's field of one second: W = T = 1 s, so the stamps belong one whole period earlier.
    assert SensorModel(period_s=1.0, averaging_s=1.0).mean_age_s == 1.0


def test_gain_and_offset_bend_every_value_alike() -> None:
    assert SensorModel(gain=1.05, offset_w=-0.2).reading_w(Constant(10.0), 1.0) == pytest.approx(10.3)


def test_quantisation_leaves_whole_steps() -> None:
    assert SensorModel(step_w=0.25).reading_w(Constant(10.1), 1.0) == 10.0


def test_noise_has_the_width_it_is_given_and_no_bias() -> None:
    model = SensorModel(period_s=0.01, noise_w=0.5, seed=3)
    values = [model.reading_w(Constant(10.0), 0.01 * step + 0.005) for step in range(4000)]
    assert statistics.fmean(values) == pytest.approx(10.0, abs=0.04)
    assert statistics.stdev(values) == pytest.approx(0.5, rel=0.05)


def test_noise_is_the_same_when_the_same_moment_is_read_again() -> None:
    model = SensorModel(period_s=0.1, noise_w=1.0)
    assert model.reading_w(Constant(5.0), 7.03) == model.reading_w(Constant(5.0), 7.07)


@pytest.mark.parametrize("name", ["period_s", "averaging_s", "delay_s", "noise_w", "step_w"])
def test_a_negative_figure_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(UserError, match=name):
        SensorModel(**{name: -1.0})
