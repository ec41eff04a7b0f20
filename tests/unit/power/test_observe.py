"""What a sensor shows of itself within a second, and what its user knows better."""

from __future__ import annotations

import pytest

from edge_node.power.discover import open_sensor
from edge_node.power.observe import Figures, Observed, common_step_w, observe, refined, with_period
from edge_node.power.sensor import SensorSpec
from edge_node.power.synthetic import Options, SyntheticSensor
from telemetry.contract.errors import UserError

MS = 1_000_000


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def _measured(sensor: SyntheticSensor) -> float | None:
    clock = Clock()
    return observe(sensor, 1.0, clock, clock.sleep).period_ms


def test_the_period_is_how_often_the_value_changes() -> None:
    sensor = SyntheticSensor(Options(wave="ramp", update_s=0.037))
    assert _measured(sensor) == pytest.approx(37.0, abs=0.3)


def test_a_value_that_stands_still_has_no_period() -> None:
    assert _measured(SyntheticSensor(Options(wave="constant"))) is None


def test_a_sensor_that_fails_has_no_period() -> None:
    assert _measured(SyntheticSensor(Options(fail_every=1))) is None


def test_a_counter_is_asked_before_the_power() -> None:
    class Counting(SyntheticSensor):
        def counters_j(self) -> list[float]:
            return [float(self._last_s // 0.01)]

    assert _measured(Counting(Options(wave="constant", counter=True))) == pytest.approx(10.0, abs=0.3)


def test_a_counter_that_must_be_read_seldom_is_not_asked() -> None:
    class Shy(SyntheticSensor):
        counter_every_s = 5.0

        def counters_j(self) -> list[float]:
            pytest.fail("asked")

    assert _measured(Shy(Options(wave="ramp", update_s=0.05))) == pytest.approx(50.0, abs=0.3)


def test_measuring_takes_no_longer_than_allowed() -> None:
    clock = Clock()
    observe(SyntheticSensor(Options(wave="constant")), 0.5, clock, clock.sleep)
    assert clock.now_ns <= 501 * MS


def test_a_held_value_is_half_a_measured_period_old() -> None:
    info = SyntheticSensor(Options(update_s=0.1)).info
    assert (info.delay_ms, with_period(info, 200.0).delay_ms) == (50.0, 100.0)


@pytest.mark.parametrize("step_w", [0.001, 0.008, 0.096])
def test_the_step_is_what_all_changes_are_multiples_of(step_w: float) -> None:
    clock = Clock()
    sensor = SyntheticSensor(Options(wave="sine", update_s=0.02, step_w=step_w, period_s=0.37))
    assert observe(sensor, 1.0, clock, clock.sleep).step_w == pytest.approx(step_w)


def test_from_few_changes_no_step_is_concluded() -> None:
    assert common_step_w([1.0, 3.0, 5.0]) is None


def test_a_reading_that_is_no_number_says_nothing_of_the_step() -> None:
    assert common_step_w([1.0, float("nan"), 1.2, 1.6, 2.0, 2.6, 3.6, 5.0]) == pytest.approx(0.2)


def test_a_step_that_the_hardware_has_is_not_undercut_by_finer_readings() -> None:
    info = SyntheticSensor(Options(step_w=0.1)).info
    assert refined(info, Observed(None, 0.001)).resolution_w == 0.1
    assert refined(info, Observed(None, 0.5)).resolution_w == 0.5


def test_what_was_not_observed_stays_as_the_driver_says() -> None:
    info = SyntheticSensor(Options(update_s=0.1)).info
    assert refined(info, Observed(None, None)) == info


def test_what_a_user_knows_of_a_sensor_stands_in_its_manifest() -> None:
    options = {"update_s": 0.1, "period_ms": 80.0, "averaging_window_ms": 20.0, "delay_ms": 55.0}
    info = open_sensor(SensorSpec("synthetic", options={**options, "gain_uncertainty": 0.004})).info
    assert (info.period_ms, info.averaging_window_ms, info.delay_ms) == (80.0, 20.0, 55.0)
    assert info.gain_uncertainty == 0.004


def test_a_period_alone_moves_the_delay_of_a_held_value() -> None:
    info = SyntheticSensor(Options(update_s=0.1)).info
    assert Figures(period_ms=60.0).over(info).delay_ms == info.delay_ms - 20.0


@pytest.mark.parametrize("wrong", [{"period_ms": 0}, {"delay_ms": -1}, {"max_w": float("inf")}])
def test_a_figure_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=f"sensor synthetic: .*{next(iter(wrong))}"):
        open_sensor(SensorSpec("synthetic", options=wrong))
