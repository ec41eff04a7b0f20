from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.energy import Integral
from tests.unit.energy.waves import START, Floats, S, constant, ns, seconds, square, stamps, trace_of

Rows = list[tuple[int, float]]

power = st.floats(-50, 500)
readings = st.lists(st.tuples(st.integers(1, 5 * S), power), min_size=1, max_size=40)
moment = st.integers(-10 * S, 120 * S)


def integral_of(rows: Rows, **how: Any) -> Integral:
    times = START + np.cumsum([step for step, _ in rows]).astype(np.int64)
    return Integral(times, np.array([watts for _, watts in rows]), **how)


@given(readings, moment, moment, moment, st.booleans())
def test_splitting_a_window_changes_nothing(rows: Rows, a: int, b: int, c: int, hold: bool) -> None:
    integral = integral_of(rows, hold=hold)
    whole = integral.energy_j(START + a, START + c)
    halves = integral.energy_j(START + a, START + b) + integral.energy_j(START + b, START + c)
    assert halves == pytest.approx(whole, abs=1e-6)


@given(readings, moment, moment, st.floats(-100, 100), st.booleans())
def test_a_constant_added_adds_constant_times_time(
    rows: Rows, a: int, b: int, constant_w: float, hold: bool
) -> None:
    more = [(step, watts + constant_w) for step, watts in rows]
    added = integral_of(more, hold=hold).energy_j(START + a, START + b) - integral_of(
        rows, hold=hold
    ).energy_j(START + a, START + b)
    assert added == pytest.approx(constant_w * (b - a) / S, abs=1e-6)


@given(readings, moment, moment, st.floats(-10, 10))
def test_scaling_the_power_scales_the_energy(rows: Rows, a: int, b: int, factor: float) -> None:
    scaled = integral_of([(step, watts * factor) for step, watts in rows]).energy_j(START + a, START + b)
    assert scaled == pytest.approx(factor * integral_of(rows).energy_j(START + a, START + b), abs=1e-6)


@given(readings, readings, moment, moment)
def test_parts_sum_to_the_whole(rows: Rows, others: Rows, a: int, b: int) -> None:
    n = min(len(rows), len(others))
    rows, others = rows[:n], [(rows[i][0], others[i][1]) for i in range(n)]
    both = [(step, watts + others[i][1]) for i, (step, watts) in enumerate(rows)]
    parts = sum(integral_of(part).energy_j(START + a, START + b) for part in (rows, others))
    assert integral_of(both).energy_j(START + a, START + b) == pytest.approx(parts, abs=1e-6)


@given(readings, moment, moment)
def test_turning_a_window_round_turns_the_sign(rows: Rows, a: int, b: int) -> None:
    integral = integral_of(rows)
    forth, back = integral.energy_j(START + a, START + b), integral.energy_j(START + b, START + a)
    assert forth == pytest.approx(-back, abs=1e-9)


def test_many_windows_at_once_are_the_same_as_one_by_one() -> None:
    trace = trace_of(square(5, 25, 0.7, 0.3), 0, 10, 10)
    integral = Integral(trace.times_ns, trace.watts)
    begins = np.array([ns(t) for t in (0.0, 1.23, 4.5)])
    ends = np.array([ns(t) for t in (1.0, 7.89, 9.99)])
    one_by_one = [integral.energy_j(int(b), int(e)) for b, e in zip(begins, ends, strict=True)]
    assert integral.energies_j(begins, ends).tolist() == one_by_one


def test_stamps_of_today_lose_no_nanosecond() -> None:
    integral = Integral(np.array([START, START + 10]), np.array([1e9, 1e9]))
    assert integral.energy_j(START + 3, START + 4) == pytest.approx(1.0, rel=1e-12)


def test_a_ramp_is_exact_between_readings() -> None:
    integral = Integral(np.array([START, START + S]), np.array([0.0, 10.0]))
    assert integral.energy_j(START + S // 4, START + S // 2) == pytest.approx(10 * (0.25 - 0.0625) / 2)


def test_the_nearest_value_stands_outside_the_readings() -> None:
    integral = Integral(np.array([START, START + S]), np.array([4.0, 10.0]))
    assert integral.energy_j(START - 2 * S, START) == pytest.approx(8.0)
    assert integral.energy_j(START + S, START + 3 * S) == pytest.approx(20.0)


def test_a_single_reading_stands_for_all_time() -> None:
    assert Integral(np.array([START]), np.array([3.0])).energy_j(START - S, START + S) == pytest.approx(6.0)


def test_power_is_interpolated_and_held_outside() -> None:
    integral = Integral(np.array([START, START + S]), np.array([4.0, 10.0]))
    at = np.array([START - S, START, START + S // 2, START + S, START + 9 * S])
    assert integral.power_w(at).tolist() == [4.0, 4.0, 7.0, 10.0, 10.0]


def test_a_held_value_stands_until_the_next_reading() -> None:
    integral = Integral(np.array([START, START + 4 * S, START + 5 * S]), np.array([2.0, 8.0, 8.0]), hold=True)
    assert integral.energy_j(START + S, START + 5 * S) == pytest.approx(2 * 3 + 8 * 1)


def test_no_readings_have_no_integral() -> None:
    with pytest.raises(ValueError, match="at least one reading"):
        Integral(np.empty(0, np.int64), np.empty(0))


@pytest.mark.parametrize("seed", range(5))
def test_a_sine_at_1_khz_is_within_a_thousandth(seed: int) -> None:
    phase, (begin, end) = np.random.default_rng(seed).uniform(0, 6), (0.31234, 7.98765)
    trace = trace_of(lambda t: 20 + 10 * np.sin(40 * t + phase), 0, 9, 1)
    truth = 20 * (end - begin) - 10 / 40 * (np.cos(40 * end + phase) - np.cos(40 * begin + phase))
    energy = Integral(trace.times_ns, trace.watts).energy_j(ns(begin), ns(end))
    assert energy == pytest.approx(truth, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_a_square_wave_of_random_phase_at_1_khz_is_within_a_thousandth(seed: int) -> None:
    phase = np.random.default_rng(seed).uniform(0, 0.1371)
    trace = trace_of(square(8, 30, 0.1371, 0.4, phase), 0, 9, 1)
    fine = np.arange(0.5, 8.5, 1e-6)
    truth = square(8, 30, 0.1371, 0.4, phase)(fine).mean() * 8
    energy = Integral(trace.times_ns, trace.watts).energy_j(ns(0.5), ns(8.5))
    assert energy == pytest.approx(truth, rel=1e-3)


def test_a_ramp_at_1_khz_is_exact() -> None:
    trace = trace_of(lambda t: 5 + 3 * t, 0, 9, 1)
    energy = Integral(trace.times_ns, trace.watts).energy_j(ns(1.00037), ns(7.5))
    assert energy == pytest.approx(5 * 6.49963 + 1.5 * (7.5**2 - 1.00037**2), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_random_bursts_at_1_khz_are_within_a_thousandth(seed: int) -> None:
    edges = np.cumsum(np.random.default_rng(seed).exponential(0.04, 1000))

    def bursts(t: Floats) -> Floats:
        return np.where(np.searchsorted(edges, t) % 2, 35.0, 9.0)

    spans = np.diff(np.clip(np.concatenate(([0.0], edges)), 1.0, 11.0))
    truth = float(np.sum(spans * np.where(np.arange(len(spans)) % 2, 35.0, 9.0)))
    trace = trace_of(bursts, 0, 12, 1)
    assert Integral(trace.times_ns, trace.watts).energy_j(ns(1), ns(11)) == pytest.approx(truth, rel=1e-3)


def shares_of_truth(tick_s: float) -> tuple[float, float]:
    """Mean energy over 200 random phases of a bursty 3 s trial, over the truth: inside-only, and ours."""
    rng, inside_only, ours = np.random.default_rng(7), [], []
    for phase in rng.uniform(0, 1, 200):
        load = square(10, 40, 0.23, 0.35, phase)
        truth = load(np.arange(0, 3, 1e-4)).mean() * 3
        times = stamps(-2 + tick_s * phase, 6, tick_s * 1000)
        watts = load(seconds(times))
        inner = (times >= ns(0)) & (times <= ns(3))
        inside_only.append(np.sum((watts[inner][1:] + watts[inner][:-1]) / 2 * tick_s) / truth)
        ours.append(Integral(times, watts).energy_j(ns(0), ns(3)) / truth)
    return float(np.mean(inside_only)), float(np.mean(ours))


@pytest.mark.parametrize(("tick_s", "lost"), [(0.1, 0.033), (1.0, 0.33)])
def test_a_trapezoid_of_the_inner_readings_loses_a_spacing_and_ours_nothing(
    tick_s: float, lost: float
) -> None:
    inside_only, ours = shares_of_truth(tick_s)
    assert inside_only == pytest.approx(1 - lost, abs=0.02)
    assert ours == pytest.approx(1.0, abs=0.02)


def test_dropping_equal_readings_invents_energy_and_we_drop_none() -> None:
    trace = trace_of(square(5, 50, 1.0, 0.2, 0.05), 0, 100, 100)
    changed = np.append(True, np.diff(trace.watts) != 0)
    changed[-1] = True
    truth = 14.0 * 100
    thinned = Integral(trace.times_ns[changed], trace.watts[changed]).energy_j(ns(0), ns(100))
    assert thinned > 1.3 * truth
    assert Integral(trace.times_ns, trace.watts).energy_j(ns(0), ns(100)) == pytest.approx(truth, rel=0.02)


def test_a_trapezoid_is_wrong_for_a_meter_that_speaks_only_on_change_and_holding_is_exact() -> None:
    times = np.array([ns(0), ns(9), ns(10)])
    watts = np.array([5.0, 50.0, 5.0])
    assert Integral(times, watts, hold=True).energy_j(ns(0), ns(10)) == pytest.approx(9 * 5 + 50)
    assert Integral(times, watts).energy_j(ns(0), ns(10)) > 2.5 * (9 * 5 + 50)


def test_a_constant_is_its_power_times_the_time() -> None:
    trace = trace_of(constant(12.5), 0, 10, 1)
    assert Integral(trace.times_ns, trace.watts).energy_j(ns(0.1234), ns(9.4321)) == pytest.approx(
        12.5 * (9.4321 - 0.1234), rel=1e-12
    )
