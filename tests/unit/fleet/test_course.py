"""A job's energy for an image against its own normal: simulated windows with known truths."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.fleet.windows import MINUTE, course, energies, signs_of, window

WARM = 300


def test_a_job_that_takes_twelve_percent_more_is_a_regression_with_its_begin_and_size() -> None:
    watched = course()
    assert signs_of(watched, energies(1, WARM)) == []
    ((at, sign),) = signs_of(watched, (1.12 * each for each in energies(2, 60)), WARM + 1)
    assert (sign.kind, sign.turn, sign.subject) == ("regression", "begin", "cam vit")
    assert at - WARM <= 15
    assert abs(sign.at / MINUTE - WARM) <= 5
    assert sign.value is not None
    assert sign.expected is not None
    assert sign.value / sign.expected == pytest.approx(1.12, abs=0.03)


def test_a_regression_ends_when_the_energy_is_back() -> None:
    watched = course()
    signs_of(watched, energies(1, WARM))
    signs_of(watched, (1.12 * each for each in energies(2, 60)), WARM + 1)
    ((_, sign),) = signs_of(watched, energies(3, 60), WARM + 61)
    assert sign.turn == "end"


def test_forty_healthy_weeks_raise_no_alarm() -> None:
    alarms = [seed for seed in range(40) if signs_of(course(), energies(seed, 10_080, 0.02))]
    assert alarms == []


def test_delays_of_a_regression_over_many_seeds_are_a_few_windows() -> None:
    delays = []
    for seed in range(40):
        watched = course()
        assert signs_of(watched, energies(seed, WARM)) == []
        found = signs_of(watched, (1.12 * each for each in energies(1000 + seed, 100)), WARM + 1)
        delays.append(found[0][0] - WARM)
    assert (min(delays) >= 4, np.median(delays) <= 6, max(delays) <= 12) == (True, True, True)


def test_three_wild_windows_are_no_regression() -> None:
    watched = course()
    signs_of(watched, energies(1, WARM))
    assert signs_of(watched, iter([50_000.0] * 3), WARM + 1) == []


def test_what_needs_less_for_good_is_the_new_normal() -> None:
    watched = course()
    signs_of(watched, energies(1, WARM))
    assert signs_of(watched, (0.8 * each for each in energies(2, WARM)), WARM + 1) == []
    found = signs_of(watched, (0.9 * each for each in energies(3, 60)), 2 * WARM + 1)
    assert [sign.turn for _, sign in found] == ["begin"]


def test_windows_in_which_the_job_hardly_ran_say_nothing() -> None:
    watched = course()
    signs_of(watched, energies(1, WARM))
    assert signs_of(watched, iter([20_000.0] * 20), WARM + 1, busy=0.3) == []


def test_a_window_that_cannot_be_believed_says_nothing() -> None:
    watched = course()
    signs_of(watched, energies(1, WARM))
    assert signs_of(watched, iter([20_000.0] * 20), WARM + 1, state="degraded") == []


def test_a_window_that_comes_twice_counts_once() -> None:
    watched = course()
    for _ in range(5):
        watched.take(window(1))
    assert len(watched.baseline.first) == 1
