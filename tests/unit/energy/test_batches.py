from __future__ import annotations

import numpy as np
import pytest

from analyzer.energy import Known, SensorFacts, Trace, WindowEnergy, measure
from tests.unit.energy.waves import MS, Floats, S, ns, stamps, trace_at

GLIMPSE = SensorFacts(period_ns=100 * MS, averaging_ns=MS)
LENGTH_S = 20.0


def batches(period_s: float, scatter: float = 0.0, seed: int = 3) -> Floats:
    lengths = np.full(round(LENGTH_S / period_s), period_s)
    lengths *= 1 + scatter * np.random.default_rng(seed).standard_normal(len(lengths))
    return np.append(0.0, np.cumsum(lengths))[:-1] * LENGTH_S / lengths.sum()


def power(t: Floats, begins: Floats) -> Floats:
    """30 W in the first 40 % of each batch, 10 W in the rest: 18 W."""
    marks = np.append(begins, LENGTH_S)
    at = np.clip(np.searchsorted(marks, t, "right") - 1, 0, len(begins) - 1)
    return np.where((t - marks[at]) / (marks[at + 1] - marks[at]) < 0.4, 30.0, 10.0)


def trace(begins: Floats, phase_s: float) -> Trace:
    times = stamps(-1 + phase_s, LENGTH_S + 1, 100)
    return trace_at(times, power((times - ns(0)) / 1e9, begins), 100)


def measured(begins: Floats, phase_s: float = 0.0, *, told: bool = True) -> WindowEnergy:
    marks = ns(0) + np.round(begins * S).astype(np.int64)
    known = Known(is_marked=True, batch_begin_ns=marks if told else None)
    return measure(trace(begins, phase_s), GLIMPSE, ns(0), ns(LENGTH_S), known)


def errors(period_s: float, scatter: float, *, told: bool) -> Floats:
    phases = np.linspace(0, 0.1, 15, endpoint=False)
    found = [measured(batches(period_s, scatter, seed), p, told=told) for seed, p in enumerate(phases)]
    return np.array([result.energy_j - 18.0 * LENGTH_S for result in found])


@pytest.mark.parametrize(("period_s", "scatter"), [(0.0371, 0.03), (0.0713, 0.05)])
def test_what_follows_the_batches_is_known_better_than_sampling_alone_would(
    period_s: float, scatter: float
) -> None:
    with_marks, without = errors(period_s, scatter, told=True), errors(period_s, scatter, told=False)
    assert np.sqrt(np.mean(with_marks**2)) < 0.7 * np.sqrt(np.mean(without**2)) + 0.3


def test_the_interval_is_narrower_where_batches_are_told_and_still_holds() -> None:
    begins = batches(0.0371, 0.03)
    told, untold = measured(begins), measured(begins, told=False)
    assert told.method == "trapezoid+batches"
    assert told.energy_u95_j < 0.7 * untold.energy_u95_j
    assert abs(told.energy_j - 18.0 * LENGTH_S) < told.energy_u95_j


def test_batches_in_step_with_the_readings_are_locked() -> None:
    assert "locked_aliasing" in measured(batches(0.1)).reasons


@pytest.mark.parametrize("period_s", [0.0502, 0.0997, 0.0335])
def test_batches_nearly_in_step_are_locked_for_as_long_as_the_beat_is_slow(period_s: float) -> None:
    result = measured(batches(period_s))
    held = abs(result.energy_j - 18.0 * LENGTH_S) < result.energy_u95_j
    assert held or "locked_aliasing" in result.reasons


def test_a_power_that_does_not_follow_the_batches_is_left_as_it_is() -> None:
    times = stamps(-1, LENGTH_S + 1, 100)
    walk = 20 + np.cumsum(np.random.default_rng(2).normal(0, 0.3, len(times)))
    marks = ns(0) + np.round(batches(0.0371) * S).astype(np.int64)
    results = [
        measure(
            trace_at(times, walk, 100), GLIMPSE, ns(0), ns(LENGTH_S), Known(is_marked=True, batch_begin_ns=b)
        )
        for b in (marks, None)
    ]
    assert results[0].energy_j == results[1].energy_j
    assert results[0].method == "trapezoid"


def test_a_sensor_that_sees_all_the_time_needs_no_batches() -> None:
    begins = batches(0.0371)
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS)
    marks = ns(0) + np.round(begins * S).astype(np.int64)
    assert (
        measure(trace(begins, 0.0), facts, ns(0), ns(LENGTH_S), Known(batch_begin_ns=marks)).method
        == "trapezoid"
    )
