from __future__ import annotations

import numpy as np
import pytest

from analyzer.energy import Known, SensorFacts, measure
from tests.unit.energy.waves import MS, Floats, S, constant, ns, trace_of

# What NVML shows on Hopper: 25 of every 100 ms (arXiv 2312.02741).
QUARTER = SensorFacts(period_ns=100 * MS, averaging_ns=25 * MS, origin="synthetic")


def reasons(periods_s: Floats, facts: SensorFacts = QUARTER) -> tuple[str, ...]:
    begins = ns(0) + np.round(np.cumsum(periods_s) * S).astype(np.int64)
    trace = trace_of(constant(10), -2, 32, 20)
    return measure(trace, facts, ns(0), ns(30), Known(batch_begin_ns=begins)).reasons


@pytest.mark.parametrize("period_s", [0.1, 0.05, 0.2, 0.3, 0.15, 0.1002, 0.0999])
def test_batches_in_step_with_a_sensor_that_sees_a_quarter_are_locked(period_s: float) -> None:
    assert reasons(np.full(int(30 / period_s), period_s)) == ("locked_aliasing",)


@pytest.mark.parametrize("period_s", [0.137, 0.09, 0.223, 0.71, 0.0123])
def test_batches_out_of_step_are_not_locked(period_s: float) -> None:
    assert reasons(np.full(int(30 / period_s), period_s)) == ()


def test_a_sensor_that_averages_over_its_whole_period_cannot_be_locked() -> None:
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=100 * MS, origin="synthetic")
    assert reasons(np.full(300, 0.1), facts) == ()


def test_batches_in_step_with_the_beat_of_updates_and_ticks_are_locked() -> None:
    held = SensorFacts(period_ns=6_600_000, averaging_ns=MS, holds=True, origin="synthetic")
    begins = ns(0) + np.round(np.arange(0, 30, 1 / (200 - 1000 / 6.6)) * S).astype(np.int64)
    trace = trace_of(constant(10), -2, 32, 5)
    assert measure(trace, held, ns(0), ns(30), Known(batch_begin_ns=begins)).reasons == ("locked_aliasing",)
    off = begins + np.arange(len(begins)) * 200_000
    assert measure(trace, held, ns(0), ns(30), Known(batch_begin_ns=off)).reasons == ()


def test_jitter_of_a_few_percent_keeps_the_lock() -> None:
    clock = np.arange(1, 290) * 0.1 + np.random.default_rng(2).normal(0, 0.004, 289)
    assert reasons(np.diff(clock, prepend=0.0)) == ("locked_aliasing",)


def test_random_delays_break_the_lock() -> None:
    periods = np.full(250, 0.1)
    periods[::5] += np.random.default_rng(2).uniform(0, 0.1, 50)
    assert reasons(periods) == ()


def test_a_few_batches_show_no_period() -> None:
    assert reasons(np.full(6, 0.1)) == ()


def test_the_spacing_of_a_fast_sensor_is_its_tick() -> None:
    fast = SensorFacts(period_ns=MS, origin="synthetic")
    assert reasons(np.full(1400, 0.02), fast) == ("locked_aliasing",)
    assert reasons(np.full(1400, 0.0217), fast) == ()
