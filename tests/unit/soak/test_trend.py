from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from analyzer.soak.blocks import blocks_of, noise_of
from analyzer.soak.steps import steps_of
from analyzer.soak.trend import slope_of

DAY_S = 86_400.0
SLOPE = 0.01 / DAY_S
REPEATS = 200
"""The study has the figure from thousands; of so few the share varies by 1.5 %."""


def _memory(rng: np.random.Generator, n: int, rho: float, spread: float) -> np.ndarray:
    noise = rng.normal(0, spread * math.sqrt(1 - rho**2), n)
    noise[0] = rng.normal(0, spread)
    return lfilter([1.0], [1.0, -rho], noise)


def _series(
    seed: int, hours: float, *, rho: float = 0.0, daily: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = (np.arange(round(hours * 60)) + 0.5) * 60.0
    cycle = daily * np.sin(2 * math.pi * t / DAY_S + rng.uniform(0, 6))
    return t, 1 + SLOPE * t + cycle + _memory(rng, len(t), rho, 0.01)


@pytest.mark.parametrize(
    ("hours", "rho", "daily"), [(12, 0.0, 0.0), (24, 0.6, 0.0), (72, 0.0, 0.01), (72, 0.6, 0.01)]
)
def test_the_interval_of_a_drift_holds_the_truth_as_often_as_it_says(
    hours: float, rho: float, daily: float
) -> None:
    held = 0
    for seed in range(REPEATS):
        slope = slope_of(blocks_of(*_series(seed, hours, rho=rho, daily=daily)))
        assert slope is not None
        held += slope.lo <= SLOPE <= slope.hi
    assert 0.915 <= held / REPEATS <= 0.985


def test_noise_alone_makes_no_step() -> None:
    alarms = sum(bool(steps_of(blocks_of(*_series(seed, 72, rho=0.6, daily=0.01)))) for seed in range(100))
    assert alarms == 0


def test_a_step_is_found_where_and_as_large_as_it_is() -> None:
    t, y = _series(1, 72, rho=0.5, daily=0.01)
    y[t > 2 * DAY_S] += 0.03
    blocks = blocks_of(t, y)
    (step,) = steps_of(blocks)
    assert abs(blocks.t_s[step.at] - 2 * DAY_S) < 3600
    assert step.lo <= 0.03 <= step.hi


def test_two_steps_in_opposite_directions_are_two_steps() -> None:
    t, y = _series(2, 72)
    y[(t > DAY_S) & (t < 2 * DAY_S)] += 0.05
    up, down = steps_of(blocks_of(t, y))
    assert up.size == pytest.approx(0.05, abs=0.005)
    assert down.size == pytest.approx(-0.05, abs=0.005)


def test_a_step_is_no_drift() -> None:
    t, y = _series(3, 72)
    y = y - SLOPE * t
    y[t > 1.5 * DAY_S] += 0.05
    blocks = blocks_of(t, y)
    slope = slope_of(blocks, tuple(step.at for step in steps_of(blocks)))
    assert slope is not None
    assert slope.lo <= 0 <= slope.hi


def test_a_drift_is_no_step() -> None:
    t, y = _series(4, 72)
    assert steps_of(blocks_of(t, y + 0.1 * t / DAY_S)) == []


def test_a_cycle_of_a_day_is_no_drift() -> None:
    t, y = _series(5, 72, daily=0.05)
    slope = slope_of(blocks_of(t, y))
    assert slope is not None
    assert slope.lo <= SLOPE <= slope.hi


def test_weeks_of_windows_become_a_few_hundred_blocks() -> None:
    t, y = _series(6, 24 * 28)
    assert len(blocks_of(t, y)) <= 288


def test_a_few_wild_windows_move_nothing() -> None:
    t, y = _series(7, 24)
    wild = y.copy()
    wild[::40] *= 5
    before, after = slope_of(blocks_of(t, y)), slope_of(blocks_of(t, wild))
    assert before is not None
    assert after is not None
    assert abs(after.value - before.value) < (before.hi - before.lo)


def test_the_memory_of_neighbours_is_told_from_differences() -> None:
    t, y = _series(8, 24)
    blocks = blocks_of(t, y)
    spread, rho = noise_of(blocks)
    assert spread == pytest.approx(0.01 * math.sqrt(math.pi / 2 / 5), rel=0.35)
    assert rho < 0.4


def test_too_few_windows_have_no_drift() -> None:
    t = np.arange(5) * 60.0
    assert slope_of(blocks_of(t, np.ones(5))) is None


def test_a_series_that_never_moves_has_a_drift_of_nothing() -> None:
    t = np.arange(100) * 60.0
    slope = slope_of(blocks_of(t, np.ones(100)))
    assert slope is not None
    assert (slope.value, slope.lo, slope.hi) == (0.0, 0.0, 0.0)
