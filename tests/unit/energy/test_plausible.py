from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.energy import Piece, SensorFacts, join
from analyzer.energy.plausible import flags_of
from analyzer.energy.view import look
from tests.unit.energy.waves import MS, Floats, ns, stamps, trace_at

BOARD = SensorFacts(period_ns=10 * MS, max_w=30.0, min_w=1.0)
TIMES = stamps(0, 30, 10)


def noisy(power_w: float = 12.0) -> Floats:
    return np.random.default_rng(5).normal(power_w, 0.2, len(TIMES))


def flags(
    watts: Floats, facts: SensorFacts = BOARD, begin: float = 1.0, end: float = 29.0
) -> tuple[str, ...]:
    return flags_of(look(trace_at(TIMES, watts, 10), facts, ns(begin), ns(end)))


def test_plausible_readings_have_no_flag() -> None:
    assert flags(noisy()) == ()


def test_a_negative_reading_is_flagged() -> None:
    watts = noisy()
    watts[500] = -0.1
    assert flags(watts) == ("negative",)


def test_a_battery_that_may_charge_is_not_negative_within_its_limits() -> None:
    assert flags(noisy(-3), replace(BOARD, min_w=-10.0)) == ()


def test_a_negative_reading_outside_the_window_is_not_its_flag() -> None:
    watts = noisy()
    watts[50] = -5
    assert flags(watts) == ()


def test_a_reading_above_the_boards_maximum_is_flagged() -> None:
    watts = noisy()
    watts[500] = 31.0
    assert flags(watts) == ("over_max",)


def test_without_a_stated_maximum_no_reading_is_above_it() -> None:
    assert flags(noisy(1e6), SensorFacts(period_ns=10 * MS)) == ()


def test_milliwatts_for_watts_are_a_unit_slip() -> None:
    assert "unit_slip" in flags(noisy() * 1000)


def test_watts_divided_by_a_thousand_are_a_unit_slip() -> None:
    assert flags(noisy() / 1000) == ("unit_slip",)


def test_a_peak_is_no_unit_slip() -> None:
    watts = noisy()
    watts[500] = 300.0
    assert flags(watts) == ("over_max",)


def test_a_sensor_that_repeats_one_reading_for_ten_seconds_is_frozen() -> None:
    watts = noisy()
    watts[500:1600] = watts[500]
    assert flags(watts) == ("frozen",)


def test_a_sensor_that_repeats_one_reading_for_half_of_a_short_window_is_frozen() -> None:
    watts = noisy()
    watts[500:600] = watts[500]
    assert flags(watts, begin=5.0, end=6.5) == ("frozen",)


def test_a_short_window_of_one_reading_throughout_may_be_a_quiet_sensor() -> None:
    constant = np.full(len(TIMES), 12.0)
    assert flags(constant, begin=5.0, end=9.0) == ()
    assert flags(constant, begin=5.0, end=16.0) == ("frozen",)


def test_a_few_equal_readings_are_not_frozen() -> None:
    watts = noisy()
    watts[500:700] = watts[500]
    assert flags(watts) == ()


def test_a_sensor_that_holds_for_its_period_is_not_frozen() -> None:
    watts = np.repeat(noisy()[::50], 50)[: len(TIMES)]
    assert flags(watts, replace(BOARD, period_ns=500 * MS)) == ()


def test_a_sensor_too_coarse_for_its_noise_may_repeat_itself() -> None:
    assert flags(np.full(len(TIMES), 12.0), replace(BOARD, noise_w=0.01, resolution_w=0.5)) == ()


@pytest.mark.parametrize("origin", ["synthetic", "estimated"])
def test_a_computed_power_may_be_constant(origin: str) -> None:
    assert flags(np.full(len(TIMES), 12.0), replace(BOARD, origin=origin)) == ()


def rails(first: float, second: float) -> tuple[str, ...]:
    total = noisy()
    matrix = np.column_stack((total, total * first, total * second))
    return flags_of(look(trace_at(TIMES, matrix, 10), BOARD, ns(1), ns(29)))


def test_rails_that_add_up_to_more_than_their_input_are_flagged() -> None:
    assert rails(0.7, 0.5) == ("rails",)


def test_rails_that_leave_some_for_losses_are_not_flagged() -> None:
    assert rails(0.5, 0.4) == ()


def test_rails_within_their_gains_of_the_input_are_not_flagged() -> None:
    assert rails(0.52, 0.51) == ()


def test_rails_without_a_reading_are_not_judged() -> None:
    assert rails(0.9, np.nan) == ()


def counted(*joules: float) -> tuple[str, ...]:
    watts, size = noisy(), len(TIMES) // len(joules)
    frames = [
        Piece(
            int(TIMES[i * size]), TIMES[i * size :][:size], watts[i * size :][:size, None], 10 * MS, 0, value
        )
        for i, value in enumerate(joules)
    ]
    return flags_of(look(join(frames), BOARD, ns(0), ns(30)))


def test_a_counter_that_goes_backwards_is_flagged() -> None:
    assert counted(10.0, 20.0, 15.0) == ("counter_back",)


def test_a_counter_that_rises_or_rests_is_not_flagged() -> None:
    assert counted(10.0, 20.0, 20.0) == ()
