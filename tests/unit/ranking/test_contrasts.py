"""Differences of small groups against hand-made numbers, SciPy, and a truth that chance draws anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from analyzer.contrasts import Contrast, contrast, student_975

ONE, OTHER = [1.0, 2.0, 3.0], [4.0, 6.0, 8.0, 10.0]
SEEDS = range(250)


def of(one: list[float], other: list[float]) -> Contrast:
    return contrast(np.array([*one, *other]), np.array([True] * len(one) + [False] * len(other)))


@pytest.mark.parametrize("dof", [1.0, 1.7, 2.0, 5.0, 30.0, 1000.0])
def test_the_quantile_is_students(dof: float) -> None:
    assert student_975(dof) == pytest.approx(stats.t.ppf(0.975, dof), rel=1e-3)


def test_the_interval_is_welchs() -> None:
    expected = stats.ttest_ind(ONE, OTHER, equal_var=False).confidence_interval(0.95)
    found = of(ONE, OTHER)
    assert found.difference == pytest.approx(-5.0)
    assert (found.lo, found.hi) == (
        pytest.approx(expected.low, rel=1e-3),
        pytest.approx(expected.high, rel=1e-3),
    )


def test_g_is_the_difference_in_standard_deviations_less_its_bias() -> None:
    pooled = sqrt((2 * 1.0 + 3 * 20.0 / 3) / 5)
    assert of(ONE, OTHER).g == pytest.approx(-5.0 / pooled * 0.8408, rel=1e-3)


def test_p_is_the_share_of_divisions_that_differ_as_much() -> None:
    """Of the 35 ways to choose three of seven numbers two differ as much: 1, 2, 3 and 6, 8, 10."""
    found = of(ONE, OTHER)
    assert found.p == pytest.approx(2 / 35, rel=1e-5)
    assert found.p_least == pytest.approx(1 / 35, rel=1e-5)


def test_two_against_two_can_show_nothing() -> None:
    assert of([1.0, 1.1], [9.0, 9.1]).p_least == pytest.approx(1 / 3, rel=1e-5)


def test_many_numbers_are_divided_by_chance() -> None:
    rng = np.random.default_rng(3)
    values, inside = rng.standard_normal(40), np.arange(40) < 15
    exact = stats.permutation_test(
        (values[inside], values[~inside]), lambda a, b: a.mean() - b.mean(), n_resamples=20_000, rng=rng
    ).pvalue
    assert contrast(values, inside).p == pytest.approx(exact, abs=0.03)


def test_numbers_that_are_all_equal_differ_by_nothing() -> None:
    found = of([2.0, 2.0], [2.0, 2.0, 2.0])
    assert (found.difference, found.lo, found.hi, found.g, found.p) == (0.0, 0.0, 0.0, 0.0, 1.0)


@cache
def worlds(sizes: tuple[int, int], spread: float) -> list[Contrast]:
    """Two groups 1 apart, of spread 1 and `spread`."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng([12, seed, *sizes])
        one = 1.0 + rng.standard_normal(sizes[0])
        other = spread * rng.standard_normal(sizes[1])
        found.append(of(one.tolist(), other.tolist()))
    return found


def covered(sizes: tuple[int, int], spread: float, inside: Callable[[Contrast], bool]) -> float:
    return float(np.mean([inside(each) for each in worlds(sizes, spread)]))


@pytest.mark.parametrize(("sizes", "spread"), [((6, 7), 1.0), ((5, 8), 2.0)])
def test_the_interval_of_the_difference_covers_the_truth(sizes: tuple[int, int], spread: float) -> None:
    assert 0.93 <= covered(sizes, spread, lambda each: each.lo <= 1.0 <= each.hi) <= 0.975


def test_the_interval_of_g_covers_the_truth() -> None:
    assert 0.93 <= covered((6, 7), 1.0, lambda each: each.g_lo <= 1.0 <= each.g_hi) <= 0.975


def test_p_below_5_percent_is_as_rare_as_it_says() -> None:
    rng = np.random.default_rng(13)
    inside = np.arange(9) < 4
    found = [contrast(rng.standard_normal(9), inside).p <= 0.05 for _ in SEEDS]
    assert 0.02 <= np.mean(found) <= 0.08
