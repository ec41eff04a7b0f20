from __future__ import annotations

import numpy as np
import pytest

from analyzer.energy import Piece, SensorFacts, Trace, join, measure
from analyzer.energy.gaps import Gaps, find_gaps
from analyzer.energy.view import look
from tests.unit.energy.waves import FAST, MS, constant, ns, square, stamps, trace_at, trace_of, without


def gaps_of(trace: Trace, facts: SensorFacts = FAST, begin: float = 1.0, end: float = 9.0) -> Gaps:
    return find_gaps(look(trace, facts, ns(begin), ns(end)))


def test_steady_readings_have_no_gap() -> None:
    assert len(gaps_of(trace_of(constant(10), 0, 10, 1)).long) == 0


def test_jitter_below_half_a_spacing_is_no_gap() -> None:
    times = stamps(0, 10, 10)
    jitter = np.random.default_rng(1).integers(-2 * MS, 2 * MS, len(times))
    assert len(gaps_of(trace_at(times + jitter, np.full(len(times), 10.0), 10)).long) == 0


def test_a_gap_of_five_ticks_is_interpolated() -> None:
    trace = without(trace_of(constant(10), 0, 10, 10), 5.0, 5.05, 10)
    assert gaps_of(trace).long.tolist() == [False]
    assert measure(trace, FAST, ns(1), ns(9)).reasons == ()


def test_a_gap_of_six_ticks_is_long() -> None:
    trace = without(trace_of(constant(10), 0, 10, 10), 5.0, 5.06, 10)
    assert gaps_of(trace).long.tolist() == [True]
    assert measure(trace, FAST, ns(1), ns(9)).reasons == ("gap",)


def test_a_gap_of_five_ticks_with_jitter_is_still_short() -> None:
    trace = without(trace_of(constant(10), 0, 10, 10), 5.0, 5.05, 10)
    times = trace.times_ns + np.where(trace.times_ns >= ns(5.05), 4 * MS, 0)
    assert gaps_of(trace_at(times, trace.watts, 10)).long.tolist() == [False]


def test_the_expected_spacing_is_the_sensors_period_where_that_is_longer() -> None:
    trace = without(trace_of(constant(10), 0, 10, 10), 5.0, 5.4, 10)
    assert gaps_of(trace, SensorFacts(period_ns=10 * MS)).long.tolist() == [True]
    assert gaps_of(trace, SensorFacts(period_ns=100 * MS)).long.tolist() == [False]


def test_a_change_of_rate_is_no_gap() -> None:
    slow, fast = trace_of(constant(10), 0, 5, 50), trace_of(constant(10), 5.05, 10, 1)
    trace = join(
        [
            Piece(ns(0), slow.times_ns, slow.watts[:, None], 50 * MS),
            Piece(ns(5.05), fast.times_ns, fast.watts[:, None], MS),
        ]
    )
    assert len(gaps_of(trace).long) == 0


def test_only_the_part_inside_the_window_counts() -> None:
    trace = without(trace_of(constant(10), 0, 10, 10), 0.5, 1.5, 10)
    gaps = gaps_of(trace)
    assert gaps.long.tolist() == [True]
    assert gaps.uncovered_s == pytest.approx(0.5)


def test_a_gap_beside_the_window_is_not_its_gap() -> None:
    assert len(gaps_of(without(trace_of(constant(10), 0, 10, 10), 0.2, 0.9, 10)).long) == 0


@pytest.mark.parametrize(("begin", "end"), [(1.04, 10.0), (0.0, 8.96)])
def test_an_edge_that_no_reading_reaches_is_a_short_gap(begin: float, end: float) -> None:
    gaps = gaps_of(trace_of(constant(10), begin, end, 10))
    assert gaps.long.tolist() == [False]
    assert gaps.inside_s.tolist() == pytest.approx([0.04])


@pytest.mark.parametrize(("begin", "end"), [(1.2, 10.0), (0.0, 8.8)])
def test_an_edge_far_from_readings_is_a_long_gap_and_not_covered(begin: float, end: float) -> None:
    result = measure(trace_of(constant(10), begin, end, 10), FAST, ns(1), ns(9))
    assert result.coverage == pytest.approx(1 - 0.2 / 8)
    assert result.reasons == ("gap",)
    assert result.energy_j == pytest.approx(80.0)


def test_the_range_of_power_near_a_long_gap_is_seen_as_far_as_the_gap_is_long() -> None:
    wave = square(5, 25, 0.5, 0.5)
    gaps = gaps_of(without(trace_of(wave, 0, 10, 1), 4.3, 4.6, 1))
    assert (gaps.low_w[0], gaps.high_w[0]) == (5.0, 25.0)
    assert gaps.long_u_j() == pytest.approx(0.3 * 20 / np.sqrt(12))


def test_a_gap_in_a_constant_power_is_certain() -> None:
    gaps = gaps_of(without(trace_of(constant(10), 0, 10, 10), 5.0, 5.5, 10))
    assert gaps.long_u_j() == 0.0


def test_without_tick_and_period_the_usual_spacing_is_expected() -> None:
    times = stamps(0, 10, 10)
    trace = without(trace_at(times, np.full(len(times), 10.0), 0), 5.0, 5.2, 0)
    assert gaps_of(trace, SensorFacts()).long.tolist() == [True]


def test_a_single_reading_leaves_most_of_a_window_uncovered() -> None:
    gaps = gaps_of(trace_at(np.array([ns(5)]), np.array([10.0]), 100))
    assert gaps.uncovered_s == pytest.approx(8.0)
