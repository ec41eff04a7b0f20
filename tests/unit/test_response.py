"""What a fit finds of a sensor whose period, window and delay are known, beside a square load."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from e3p.response import Near, Response, Switched, Unfit, Value, fit, period_of, values_of
from edge_node.power.model import SensorModel
from edge_node.power.waveforms import Square, Telegraph

MS = 1e-3


def _load_period_s(model: SensorModel) -> float:
    return max(8 * model.period_s, 2.6 * model.averaging_s, 0.6) * 1.0271


def _readings(model: SensorModel, seconds: float, poll_s: float, seed: int) -> list[Value]:
    """Readings of 10 W and 30 W in turn, polled with the jitter of a busy machine."""
    wave = Square(low_w=10.0, step_w=20.0, period_s=_load_period_s(model))
    chance = random.Random(seed)
    t_s, found = 0.0, []
    while t_s < seconds:
        found.append(Value(t_s, model.reading_w(wave, t_s)))
        t_s += poll_s * (1 + 0.3 * chance.random())
    return found


def _fitted(model: SensorModel, seconds: float = 30.0, poll_s: float = MS, seed: int = 1) -> Response:
    period_s = _load_period_s(model)
    on = [(at * period_s, (at + 0.5) * period_s) for at in range(-3, int(seconds / period_s) + 2)]
    return fit(_readings(model, seconds, poll_s, seed), Switched(on), period_s / 2)


def _holds(near: Near, truth: float) -> bool:
    return abs(near.value - truth) <= near.error


# Period, window and a value's age when it appears in ms; noise and step in W; the most that window and age
# may be uncertain by, in ms.
SENSORS = {
    "RTX 3050, instant": (100.0, 100.0, 50.0, 0.3, 0.001, 4.0, 2.0),
    "RTX 3050, average": (100.0, 1000.0, 500.0, 0.3, 0.001, 20.0, 6.0),
    "H100, instant": (100.0, 25.0, 12.5, 1.0, 0.001, 6.0, 3.0),
    "V100": (20.0, 10.0, 5.0, 0.5, 0.001, 2.5, 1.5),
    "TX2, 64 averages": (422.4, 422.4, 211.2, 0.05, 0.153, 12.0, 6.0),
    "INA3221, one conversion": (7.0, 7.0, 3.5, 0.05, 0.04, 2.0, 1.0),
    "late by more than its window": (100.0, 50.0, 180.0, 0.2, 0.001, 4.0, 2.0),
    "an instant": (50.0, 0.0, 0.0, 0.1, 0.01, 4.0, 3.0),
    "coarse steps without noise": (50.0, 50.0, 25.0, 0.0, 0.5, 3.0, 2.0),
}


@pytest.mark.parametrize("name", SENSORS)
def test_the_fit_finds_what_a_known_sensor_is(name: str) -> None:
    period, window, age, noise_w, step_w, window_error, age_error = SENSORS[name]
    model = SensorModel(
        period_s=period * MS,
        averaging_s=window * MS,
        delay_s=age * MS,
        phase_s=0.0123,
        gain=1.04,
        noise_w=noise_w,
        step_w=step_w,
        seed=7,
    )
    found = _fitted(model, 60.0 if period > 400 else 30.0)
    assert _holds(found.period_s, period * MS)
    assert found.period_s.error < 0.002 * period * MS + 1e-4
    assert _holds(found.averaging_s, window * MS)
    assert _holds(found.age_s, age * MS)
    assert found.averaging_s.error < window_error * MS
    assert found.age_s.error < age_error * MS


def test_the_powers_are_what_the_sensor_says_and_the_noise_is_its_own() -> None:
    found = _fitted(SensorModel(period_s=0.1, averaging_s=0.1, gain=1.1, offset_w=2.0, noise_w=0.5))
    assert (found.low_w, found.high_w) == pytest.approx((13.0, 35.0), abs=0.3)
    assert found.noise_w == pytest.approx(0.5, rel=0.25)


def test_the_delay_of_a_manifest_is_half_a_period_more_than_the_age() -> None:
    found = _fitted(SensorModel(period_s=0.1, averaging_s=0.025))
    assert _holds(found.delay_s, 62.5 * MS)


@pytest.mark.parametrize("seed", range(4))
def test_the_stated_errors_hold_whatever_the_phase_and_noise(seed: int) -> None:
    phase_s = random.Random(seed).random() * 0.1
    model = SensorModel(period_s=0.1, averaging_s=0.04, delay_s=0.07, phase_s=phase_s, noise_w=1.0, seed=seed)
    found = _fitted(model, 20.0, 2 * MS, seed)
    assert _holds(found.averaging_s, 0.04)
    assert _holds(found.age_s, 0.07)


def test_a_reading_that_is_made_by_being_read_is_half_its_window_old() -> None:
    period_s, tick_s = 0.6163, 0.005
    wave = Square(low_w=10.0, step_w=20.0, period_s=period_s)
    chance = random.Random(4)
    readings = [
        Value(at * tick_s, wave.energy_j((at - 1) * tick_s, at * tick_s) / tick_s + chance.gauss(0, 0.2))
        for at in range(4000)
    ]
    on = [(at * period_s, (at + 0.5) * period_s) for at in range(-1, 40)]
    found = fit(readings, Switched(on), period_s / 2, holds=False)
    assert _holds(found.averaging_s, tick_s)
    assert _holds(found.delay_s, tick_s / 2)


def test_longer_looking_makes_the_errors_smaller() -> None:
    model = SensorModel(period_s=0.1, averaging_s=0.05, noise_w=1.0)
    assert _fitted(model, 60.0).averaging_s.error < _fitted(model, 10.0).averaging_s.error


def test_a_power_that_does_not_follow_the_load_has_no_response() -> None:
    chance = random.Random(5)
    wave = Telegraph(low_w=10.0, step_w=20.0, cell_s=0.037, seed=3)
    readings = [Value(at * MS, wave.power_w(at * MS) + chance.gauss(0, 0.1)) for at in range(10_000)]
    on = [(at * 0.8, at * 0.8 + 0.4) for at in range(13)]
    with pytest.raises(Unfit, match=r"the load moved the power by .* W, and .* W are noise"):
        fit(readings, Switched(on), 0.4)


def test_a_power_that_stands_still_has_no_response() -> None:
    readings = [Value(at * MS, 10.0) for at in range(1000)]
    with pytest.raises(Unfit, match="0 values were seen, and 20 are needed: give it more seconds"):
        fit(readings, Switched([(0.0, 0.5)]), 0.4)


def test_a_value_appeared_between_the_last_reading_of_the_one_before_and_its_first() -> None:
    readings = [Value(0.0, 1.0), Value(0.1, 1.0), Value(0.2, 2.0), Value(0.3, 2.0)]
    assert values_of(readings) == [Value(pytest.approx(0.15), 2.0)]


def test_renewals_that_change_nothing_do_not_make_the_period_longer() -> None:
    chance = random.Random(2)
    values = [Value(at * 0.1, float(at)) for at in range(300) if chance.random() < 0.6]
    assert any(later.t_s - sooner.t_s > 0.15 for sooner, later in pairwise(values))
    assert period_of(values, MS).value == pytest.approx(0.1, rel=1e-3)


def test_the_share_of_a_load_is_how_long_it_was_on_in_the_window() -> None:
    load = Switched([(0.0, 1.0), (2.0, 3.0)])
    assert load.share(1.0, 1.0) == pytest.approx(0.5)
    assert load.share(2.5, 0.5) == pytest.approx(1.0)
    assert load.share(1.5, 3.0) == pytest.approx(2 / 3)
    assert load.share(-5.0, 1.0) == 0.0
