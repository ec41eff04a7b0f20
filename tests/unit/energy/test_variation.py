from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from analyzer.energy.variation import Variation

RNG = np.random.default_rng(5)


def telegraph(readings: int, stays: float) -> NDArray[np.float64]:
    """Two levels 2 W apart; neighbours are correlated by `stays`."""
    return np.where(np.cumsum(RNG.random(readings) < (1 - stays) / 2) % 2, 1.0, -1.0)


def of(watts: NDArray[np.float64], **more: float) -> Variation:
    return Variation(np.asarray(watts, np.float64), 0.1, **more)


def missed_by_sampling(stays: float) -> float:
    """The variance of a step's mean around its reading, in units of the power's: theory."""
    return (1 + stays) / (1 - stays) + 2 / np.log(stays)


@pytest.mark.parametrize("stays", [0.3, 0.6, 0.9, 0.98])
def test_what_sampling_misses_of_a_telegraph_is_what_theory_says(stays: float) -> None:
    found = np.mean([of(telegraph(3000, stays)).missed_w2(1.0) for _ in range(20)])
    assert found == pytest.approx(missed_by_sampling(stays), rel=0.12)


def test_readings_that_know_nothing_of_each_other_miss_their_whole_variance() -> None:
    found = np.mean([of(RNG.normal(0, 2.0, 2000)).missed_w2(1.0) for _ in range(20)])
    assert found == pytest.approx(4.0, rel=0.15)


def test_single_jumps_miss_a_twelfth_of_their_square() -> None:
    jumps = np.where(np.arange(1000) // 50 % 2, 3.0, 0.0)
    assert of(jumps).missed_w2(1.0) == pytest.approx(9.0 * 19 / 1000 / 12, rel=0.1)


def test_a_straight_ramp_misses_nothing() -> None:
    assert of(np.linspace(0, 10, 200)).missed_w2(1.0) == pytest.approx(0.0, abs=1e-12)


def test_a_smooth_wave_misses_next_to_nothing() -> None:
    wave = np.sin(np.arange(1000) * 0.05)
    assert of(wave).missed_w2(1.0) < 1e-6


def test_a_sensor_that_sees_all_the_time_misses_nothing() -> None:
    assert of(RNG.normal(0, 2.0, 500)).missed_w2(0.0) == 0.0


def test_noise_that_is_known_is_no_variation() -> None:
    noisy = of(RNG.normal(10, 2.0, 50_000), noise_w=2.0)
    assert noisy.missed_w2(1.0) < 0.02 * 4.0
    assert noisy.moved(0.1) < 0.05 * 8.0


def test_few_readings_are_taken_for_wilder_than_they_look() -> None:
    few, many = of(telegraph(40, 0.5)), of(telegraph(40_000, 0.5))
    assert many.memory == pytest.approx(0.5, abs=0.03)
    assert few.memory < 0.5 or few.wild >= 0.0


def test_how_far_power_moves_grows_with_the_time() -> None:
    walk = of(np.cumsum(RNG.normal(0, 1.0, 20_000)))
    assert walk.moved(0.1) == pytest.approx(1.0, rel=0.1)
    assert walk.moved(1.0) == pytest.approx(10.0, rel=0.2)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_readings_tell_no_variation(count: int) -> None:
    lone = of(np.arange(count, dtype=np.float64))
    assert lone.missed_w2(1.0) == 0.0
    assert lone.moved(5.0) >= 0.0


WALK = """
import numpy as np
from analyzer.energy.variation import Variation
of = Variation(np.cumsum(np.random.default_rng(5).normal(size=100_000)), 0.1)
print(repr((of.curvature, of.growth, of.memory)))
"""


def test_how_many_threads_numpy_has_does_not_show_in_the_last_digit() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", WALK],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(found) == 1
    assert found.pop().startswith("(")
