from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.energy import Known, Piece, SensorFacts, facts_of, join, margin_ns, measure
from telemetry.contract.manifest import StreamInfo
from tests.unit.energy.waves import FAST, MS, constant, ns, square, trace_at, trace_of, without

CALM = replace(FAST, origin="synthetic")


def test_a_window_of_a_known_power_has_its_energy() -> None:
    result = measure(trace_of(square(8, 30, 0.1371, 0.4), -1, 11, 1), CALM, ns(0), ns(10))
    truth = square(8, 30, 0.1371, 0.4)(np.arange(0, 10, 1e-5)).mean() * 10
    assert result.energy_j == pytest.approx(truth, rel=1e-3)
    assert result.mean_w == pytest.approx(truth / 10, rel=1e-3)
    assert (result.max_w, result.state, result.reasons, result.coverage) == (30.0, "valid", (), 1.0)
    assert (result.samples, result.missed, result.method) == (10_001, 0, "trapezoid")


def test_the_truth_is_inside_the_stated_interval() -> None:
    wave = square(8, 30, 0.1371, 0.4)
    result = measure(trace_of(wave, -1, 11, 1), CALM, ns(0), ns(10))
    truth = wave(np.arange(0, 10, 1e-6)).mean() * 10
    assert abs(result.energy_j - truth) <= result.energy_u95_j


def test_no_trace_at_all_is_invalid_and_no_energy() -> None:
    result = measure(join([]), CALM, ns(0), ns(10))
    assert (result.energy_j, result.energy_u95_j, result.mean_w, result.max_w) == (None, None, None, None)
    assert (result.state, result.reasons, result.coverage) == ("invalid", ("no_samples",), 0.0)


@pytest.mark.parametrize("begin", [-20, 5, 20])
def test_a_window_between_readings_far_apart_has_no_energy(begin: float) -> None:
    trace = trace_of(constant(10), 0, 30, 10)
    trace = without(trace, 4.0, 16.0, 10)
    trace = trace_at(trace.times_ns[trace.times_ns < ns(18)], trace.watts[trace.times_ns < ns(18)], 10)
    result = measure(trace, CALM, ns(begin), ns(begin + 10))
    assert (result.energy_j, result.reasons) == (None, ("no_samples",))


def test_missed_ticks_of_a_window_without_readings_are_told() -> None:
    trace = join([Piece(ns(1), [], np.empty((0, 1)), 10 * MS, 25)])
    assert measure(trace, CALM, ns(0), ns(10)).missed == 25


def test_a_window_that_does_not_end_after_it_begins_is_an_error() -> None:
    with pytest.raises(ValueError, match="must end after it begins"):
        measure(join([]), CALM, ns(1), ns(1))


def test_less_than_95_percent_coverage_is_invalid() -> None:
    trace = without(trace_of(constant(10), -1, 11, 10), 4.0, 4.6, 10)
    result = measure(trace, CALM, ns(0), ns(10))
    assert (result.state, result.reasons) == ("invalid", ("coverage", "gap"))
    assert result.coverage == pytest.approx(0.94)


def test_just_over_95_percent_coverage_is_degraded() -> None:
    trace = without(trace_of(constant(10), -1, 11, 10), 4.0, 4.4, 10)
    result = measure(trace, CALM, ns(0), ns(10))
    assert (result.state, result.reasons) == ("degraded", ("gap",))


def test_the_energy_inside_a_long_gap_is_interpolated() -> None:
    trace = without(trace_of(lambda t: 10 + t, -1, 11, 10), 4.0, 4.4, 10)
    assert measure(trace, CALM, ns(0), ns(10)).energy_j == pytest.approx(150.0)


def test_a_short_trial_on_a_good_sensor_is_valid() -> None:
    assert measure(trace_of(constant(10), -1, 2, 1), CALM, ns(0), ns(0.05)).state == "valid"


def test_a_window_of_few_updates_is_short() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS, origin="synthetic")
    trace = trace_of(constant(10), -1, 4, 100)
    assert measure(trace, facts, ns(0), ns(1.9)).reasons == ("short",)
    assert measure(trace, facts, ns(0), ns(2)).reasons == ()


def test_a_sensor_that_looks_only_now_and_then_needs_more_readings() -> None:
    trace = trace_of(constant(10), -10, 60, 1000)
    assert measure(trace, SensorFacts(origin="synthetic"), ns(0), ns(39)).reasons == ("short",)
    assert measure(trace, SensorFacts(origin="synthetic"), ns(0), ns(40)).reasons == ()


def test_many_short_gaps_are_a_gap_too() -> None:
    trace = trace_of(constant(10), -1, 11, 10)
    for begin in range(1, 9):
        trace = without(trace, begin, begin + 0.05, 10)
    assert measure(trace, CALM, ns(0), ns(10)).reasons == ()
    for begin in range(1, 9):
        for part in (0.1, 0.2):
            trace = without(trace, begin + part, begin + part + 0.05, 10)
    assert measure(trace, CALM, ns(0), ns(10)).reasons == ("gap",)


def test_a_window_of_few_averaging_windows_is_short() -> None:
    facts = replace(CALM, averaging_ns=1000 * MS)
    trace = trace_of(constant(10), -1, 11, 20)
    assert measure(trace, facts, ns(0), ns(5)).reasons == ("short",)
    assert measure(trace, facts, ns(0), ns(10)).reasons == ()


def test_a_sensors_delay_moves_its_readings_earlier() -> None:
    late = trace_of(lambda t: np.where(t > 5.25, 20.0, 10.0), -1, 12, 1)
    result = measure(late, replace(CALM, delay_ns=250 * MS), ns(5), ns(10))
    assert result.energy_j == pytest.approx(100.0, rel=1e-3)


def test_a_sensor_that_holds_is_integrated_as_it_holds() -> None:
    times = np.array([ns(t) for t in (0, 9, 10)])
    result = measure(
        trace_at(times, np.array([5.0, 50.0, 5.0]), 9000), SensorFacts(holds=True), ns(0), ns(10)
    )
    assert result.energy_j == pytest.approx(95.0)
    assert result.method == "hold"


def test_reasons_and_flags_found_elsewhere_join_and_decide() -> None:
    known = Known(reasons=("aborted", "overlap"), flags=("clock_bad",))
    result = measure(trace_of(constant(10), -1, 11, 1), CALM, ns(0), ns(10), known)
    assert (result.state, result.reasons, result.flags) == ("invalid", ("aborted", "overlap"), ("clock_bad",))


def test_what_lies_far_outside_a_window_does_not_change_its_numbers() -> None:
    trace = trace_of(square(8, 30, 0.1371, 0.4), -60, 70, 10)
    facts = replace(CALM, delay_ns=20 * MS, averaging_ns=50 * MS, max_w=100.0)
    reach = margin_ns(facts, 10 * MS)
    inner = trace.inside(ns(0) - reach, ns(10) + reach)
    near = trace_at(trace.times_ns[inner], trace.watts[inner], 10)
    assert measure(near, facts, ns(0), ns(10)) == measure(trace, facts, ns(0), ns(10))


def test_facts_of_a_manifest_are_in_ns_and_watts() -> None:
    stream = StreamInfo(
        stream="main",
        sensor="nvml",
        channels=("total",),
        total="total",
        origin="measured",
        period_ms=100.0,
        averaging_window_ms=25.0,
        delay_ms=12.5,
        holds=True,
        resolution_w=0.001,
        gain_uncertainty=0.05,
        max_w=130.0,
    )
    assert facts_of(stream) == SensorFacts(
        period_ns=100 * MS,
        averaging_ns=25 * MS,
        delay_ns=12_500_000,
        holds=True,
        resolution_w=0.001,
        gain_u=0.05,
        max_w=130.0,
    )
