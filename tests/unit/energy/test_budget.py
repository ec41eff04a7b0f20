from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from analyzer.energy import COVERAGE_FACTOR, Known, Line, SensorFacts, WindowEnergy, measure
from analyzer.energy.batches import Pattern
from analyzer.energy.budget import _locked
from tests.unit.energy.waves import FAST, MS, Wave, constant, ns, square, stamps, trace_at, trace_of, without

Load = Callable[[np.random.Generator], tuple[Wave, float]]
BARE = SensorFacts(period_ns=10 * MS)


def line(result: WindowEnergy, name: str) -> Line:
    (found,) = [line for line in result.budget if line.name == name]
    return found


def measured(
    facts: SensorFacts = BARE, wave: Wave | None = None, tick_ms: float = 10.0, known: Known | None = None
) -> WindowEnergy:
    trace = trace_of(wave or constant(10), -5, 15, tick_ms)
    return measure(trace, facts, ns(0), ns(10), known or Known())


def test_gain_is_a_share_of_the_energy_and_shared() -> None:
    gain = line(measured(replace(BARE, gain_u=0.05)), "gain")
    assert gain.u_j == pytest.approx(5.0)
    assert gain.shared


def test_offset_is_watts_times_the_time_and_shared() -> None:
    offset = line(measured(replace(BARE, offset_u_w=0.2)), "offset")
    assert offset.u_j == pytest.approx(2.0)
    assert offset.shared


def test_what_the_manifest_does_not_state_is_a_line_that_says_so() -> None:
    result = measured()
    assert {line.name: line.how for line in result.budget if line.how == "not stated"} == {
        "gain": "not stated",
        "offset": "not stated",
        "quantisation": "not stated",
        "noise": "not stated",
        "delay": "not stated",
    }


def test_the_interval_is_the_factor_of_a_normal_times_the_lines_in_quadrature() -> None:
    result = measured(replace(BARE, gain_u=0.03, offset_u_w=0.4))
    assert result.energy_u95_j == pytest.approx(COVERAGE_FACTOR * 5.0)


def test_the_comparable_interval_leaves_out_the_gain_and_keeps_the_offset() -> None:
    result = measured(replace(BARE, gain_u=0.03, offset_u_w=0.4))
    assert result.energy_u95_comparable_j == pytest.approx(COVERAGE_FACTOR * 4.0)


def test_noise_averages_out_over_readings() -> None:
    assert line(measured(replace(BARE, noise_w=0.5)), "noise").u_j == pytest.approx(
        0.5 * 10 / np.sqrt(1000), rel=0.01
    )


def test_noise_of_a_held_value_averages_out_over_updates_only() -> None:
    facts = SensorFacts(period_ns=100 * MS, noise_w=0.5, holds=True)
    assert line(measured(facts), "noise").u_j == pytest.approx(0.5 * 10 / np.sqrt(100), rel=0.01)


def test_the_rounding_of_a_constant_power_never_averages_out() -> None:
    quantisation = line(measured(replace(BARE, resolution_w=0.2)), "quantisation")
    assert quantisation.u_j == pytest.approx(0.2 / np.sqrt(12) * 10)


def test_the_rounding_of_a_wandering_power_averages_out() -> None:
    facts = replace(BARE, resolution_w=0.2)
    wandering = line(measured(facts, lambda t: np.round((10 + t) / 0.2) * 0.2), "quantisation")
    assert wandering.u_j < 0.25 * line(measured(facts), "quantisation").u_j


def test_noise_above_a_step_removes_the_rounding() -> None:
    facts = replace(BARE, resolution_w=0.2, noise_w=0.2)
    assert line(measured(facts), "quantisation").u_j < 0.05 * 0.2 / np.sqrt(12) * 10


def test_each_edge_has_a_line_of_step_times_spacing_over_root_12() -> None:
    result = measured(
        replace(BARE, period_ns=100 * MS), lambda t: np.where((t > 0) & (t < 10), 25.0, 5.0), 100
    )
    expected = 20 * 0.1 / np.sqrt(12)
    assert line(result, "edge_begin").u_j == pytest.approx(expected)
    assert line(result, "edge_end").u_j == pytest.approx(expected)


def test_an_edge_without_a_step_is_certain() -> None:
    result = measured()
    assert line(result, "edge_begin").u_j == line(result, "edge_end").u_j == 0.0


def test_an_averaging_sensor_of_unknown_delay_has_the_whole_bound_at_an_edge() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=1000 * MS)
    result = measured(facts, lambda t: np.where((t > 0) & (t < 10), 25.0, 5.0), 100)
    assert line(result, "edge_begin").u_j == pytest.approx(20 * 1.0 / 4)


def test_an_averaging_sensor_of_known_delay_is_somewhere_within_the_bound() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=1000 * MS, delay_ns=500 * MS)
    result = measured(facts, lambda t: np.where((t > 0) & (t < 10), 25.0, 5.0), 100)
    assert line(result, "edge_begin").u_j == pytest.approx(20 * 1.0 / 4 / np.sqrt(3))


def test_a_long_gap_has_a_line_of_the_range_of_power_near_it() -> None:
    trace = without(trace_of(square(5, 25, 0.05, 0.5), -5, 15, 10), 6.0, 6.3, 10)
    result = measure(trace, BARE, ns(0), ns(10))
    assert line(result, "long_gaps").u_j == pytest.approx(0.3 * 20 / np.sqrt(12))
    assert line(result, "long_gaps").how == "1 gap, 0.3 s, near 5-25 W"


def test_a_short_gap_has_a_line_of_how_far_power_moves_meanwhile() -> None:
    def gaps(wave: Wave) -> float:
        return line(
            measure(without(trace_of(wave, -5, 15, 10), 2.0, 2.05, 10), BARE, ns(0), ns(10)), "gaps"
        ).u_j

    assert gaps(constant(10)) == 0.0
    assert 0.0 < gaps(square(5, 25, 2.0, 0.5)) < gaps(square(5, 25, 0.05, 0.5)) < 0.05 * 20


def test_an_external_meters_clock_moves_both_edges_of_a_window_cut_anywhere() -> None:
    step = lambda t: np.where((t > 0) & (t < 10), 25.0, 5.0)  # noqa: E731
    result = measured(wave=step, known=Known(clock_u95_ns=20 * MS))
    assert line(result, "clock").u_j == pytest.approx(0.02 / COVERAGE_FACTOR * 20)


def test_between_marks_a_clock_that_is_off_costs_only_what_power_gained_from_begin_to_end() -> None:
    ramp = lambda t: np.where((t > 0) & (t < 10), 20.0 + t, 5.0)  # noqa: E731
    result = measured(wave=ramp, known=Known(clock_u95_ns=20 * MS, is_marked=True))
    assert line(result, "clock").u_j == pytest.approx(0.02 / COVERAGE_FACTOR * 10, rel=0.02)


def test_a_delay_is_known_to_a_quarter_of_the_period() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS, delay_ns=100 * MS, holds=True)
    ramp = lambda t: np.where((t > 0) & (t < 10), 20.0 + t, 5.0)  # noqa: E731
    delay = line(measured(facts, ramp, known=Known(is_marked=True)), "delay")
    assert delay.u_j == pytest.approx(0.025 / np.sqrt(3) * 10, rel=0.05)


def test_a_meter_on_the_nodes_own_clock_has_no_clock_line() -> None:
    assert "clock" not in {line.name for line in measured().budget}


def test_a_smooth_power_sampled_fast_has_next_to_no_sampling_error() -> None:
    result = measured(FAST, lambda t: 20 + 5 * np.sin(3 * t), 1)
    assert line(result, "sampling").u_j < 1e-4 * result.energy_j


def test_a_sensor_that_sees_all_the_time_has_no_sampling_error() -> None:
    facts = SensorFacts(period_ns=10 * MS, averaging_ns=10 * MS)
    assert line(measured(facts, square(5, 25, 0.03, 0.5)), "sampling").u_j == 0.0


def spread(load: Load, tick_s: float) -> tuple[float, float]:
    """The true scatter (J) of the energy over random phases, and the mean of the stated line."""
    rng, errors, stated = np.random.default_rng(11), [], []
    for _ in range(150):
        wave, truth = load(rng)
        times = stamps(-1 + rng.uniform(0, tick_s), 11, tick_s * 1000)
        result = measure(
            trace_at(times, wave((times - ns(0)) / 1e9), tick_s * 1000), SensorFacts(), ns(0), ns(10)
        )
        errors.append(result.energy_j - truth)
        stated.append(line(result, "sampling").u_j)
    return float(np.std(errors)), float(np.mean(stated))


def bursts(mean_s: float) -> Load:
    def draw(rng: np.random.Generator) -> tuple[Wave, float]:
        edges = -2 + np.cumsum(rng.exponential(mean_s, int(20 / mean_s)))
        spans = np.diff(np.concatenate(([0.0], edges[(edges > 0) & (edges < 10)], [10.0])))
        high = (np.arange(len(spans)) + np.searchsorted(edges, 0.0)) % 2 == 1
        return lambda t: np.where(np.searchsorted(edges, t) % 2, 30.0, 10.0), float(
            np.sum(spans * (10 + 20 * high))
        )

    return draw


@pytest.mark.parametrize(("mean_s", "tick_s"), [(0.5, 0.01), (0.5, 0.1), (0.05, 0.1), (0.01, 0.1)])
def test_the_sampling_line_is_the_true_scatter_of_bursts_of_any_length(mean_s: float, tick_s: float) -> None:
    true, stated = spread(bursts(mean_s), tick_s)
    assert 0.85 < stated / true < 1.3


def white(seed: int, facts: SensorFacts) -> WindowEnergy:
    noise = np.random.default_rng(seed).normal(0, 0.5, 2001)
    return measure(trace_at(stamps(-5, 15, 10), 10 + noise, 10), facts, ns(0), ns(10))


def test_white_noise_that_is_not_stated_is_seen_in_the_scatter_of_readings() -> None:
    stated = [line(white(seed, BARE), "sampling").u_j for seed in range(30)]
    assert np.mean(stated) == pytest.approx(0.5 * 10 / np.sqrt(1000), rel=0.05)


def test_white_noise_that_is_stated_is_not_counted_twice() -> None:
    results = [white(seed, replace(BARE, noise_w=0.5)) for seed in range(30)]
    sampling = np.mean([line(result, "sampling").u_j for result in results])
    assert sampling < 0.25 * line(results[0], "noise").u_j


def test_what_a_pattern_of_batches_adds_are_plain_numbers_that_travel_in_a_result() -> None:
    lines = _locked(Pattern(rest_w=np.zeros(3), locked_j=0.5, slow_j=0.3))
    assert [type(line.u_j) for line in lines] == [float, float]
