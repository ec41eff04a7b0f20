from __future__ import annotations

import numpy as np
import pytest

from analyzer.energy import Known, SensorFacts, Trace, WindowEnergy, facts_of, measure
from telemetry.contract.manifest import StreamInfo
from tests.unit.energy.waves import MS, START, Floats, ns, stamps, trace_at

MARKED = Known(is_marked=True)
TILED = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS, delay_ns=100 * MS, holds=True)
AVERAGE = SensorFacts(period_ns=100 * MS, averaging_ns=1000 * MS, delay_ns=550 * MS, holds=True)
QUARTER = SensorFacts(period_ns=100 * MS, averaging_ns=25 * MS, delay_ns=62_500_000, holds=True)


def until_j(t: Floats) -> Floats:
    """The energy of 5 W at rest and 25 W from 0 to 10 s, since long ago."""
    return 5.0 * t + 20.0 * np.clip(t, 0.0, 10.0)


def seen(facts: SensorFacts, phase_s: float, tick_ms: float = 5.0) -> Trace:
    """The step seen by a sensor that averages, renews and holds."""
    times = stamps(-4, 14, tick_ms)
    period, window = facts.period_ns / 1e9, facts.averaging_ns / 1e9
    t = (times - START) / 1e9
    renewed = np.floor((t - phase_s) / period) * period + phase_s
    return trace_at(times, (until_j(renewed) - until_j(renewed - window)) / window, tick_ms)


def measured(facts: SensorFacts, phase_s: float, known: Known = MARKED) -> WindowEnergy:
    return measure(seen(facts, phase_s), facts, ns(0), ns(10), known)


@pytest.mark.parametrize("facts", [TILED, AVERAGE, QUARTER])
@pytest.mark.parametrize("phase_s", [0.0, 0.013, 0.05, 0.087])
def test_a_trial_that_begins_and_ends_with_a_step_has_its_whole_energy(
    facts: SensorFacts, phase_s: float
) -> None:
    assert measured(facts, phase_s).energy_j == pytest.approx(250.0, rel=1e-6)


def test_without_marks_the_same_readings_are_interpolated_and_lose_by_the_smear() -> None:
    plain = measured(AVERAGE, 0.0, Known())
    assert plain.energy_j == pytest.approx(250.0 - 2 * 20.0 * 1.0 / 8, rel=0.01)
    assert abs(plain.energy_j - 250.0) < plain.energy_u95_j


@pytest.mark.parametrize("late_ms", [-25, -10, 10, 25])
def test_a_delay_wrong_by_a_quarter_of_the_period_costs_nothing_at_a_step(late_ms: int) -> None:
    trace = seen(TILED, 0.03)
    late = trace_at(trace.times_ns + late_ms * MS, trace.watts, 5.0)
    assert measure(late, TILED, ns(0), ns(10), MARKED).energy_j == pytest.approx(250.0, rel=1e-6)


def test_a_clock_that_is_off_by_what_is_stated_costs_nothing_at_a_step() -> None:
    trace = seen(TILED, 0.03)
    off = trace_at(trace.times_ns + 15 * MS, trace.watts, 5.0)
    known = Known(is_marked=True, clock_u95_ns=20 * MS)
    assert measure(off, TILED, ns(0), ns(10), known).energy_j == pytest.approx(250.0, rel=1e-6)


def test_a_sensor_of_unknown_delay_is_trusted_less_near_a_mark() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS, holds=True)
    late = measure(seen(facts, 0.03), facts, ns(0), ns(10), MARKED)
    assert late.energy_j == pytest.approx(250.0, rel=1e-6)


def test_a_window_of_too_few_clean_readings_is_interpolated_and_short() -> None:
    trace = seen(AVERAGE, 0.0)
    result = measure(trace, AVERAGE, ns(0), ns(1), MARKED)
    assert "short" in result.reasons
    assert 5.0 < result.energy_j < 25.0


def test_a_gap_in_a_held_value_is_shared_by_the_values_around_it() -> None:
    times = stamps(-1, 11, 10)
    watts = np.where((times - ns(0)) / 1e9 < 5.0, 10.0, 20.0)
    keep = (times <= ns(4.8)) | (times >= ns(5.2))
    facts = SensorFacts(period_ns=100 * MS, holds=True, origin="synthetic")
    result = measure(trace_at(times[keep], watts[keep], 10), facts, ns(0), ns(10))
    assert result.energy_j == pytest.approx(150.0, abs=0.1)


def test_a_meter_that_does_not_say_what_it_averages_may_average_since_its_last_reading() -> None:
    info = StreamInfo(
        stream="wall", sensor="meter", channels=("total",), total="total", origin="measured", period_ms=1000.0
    )
    times = stamps(-3.4, 45, 1000)
    t = (times - START) / 1e9
    seen_w = 5.0 + 20.0 * (np.clip(t, 0, 40) - np.clip(t - 1, 0, 40))
    result = measure(trace_at(times, seen_w, 1000), facts_of(info), ns(0), ns(40), MARKED)
    assert result.energy_j == pytest.approx(1000.0)
