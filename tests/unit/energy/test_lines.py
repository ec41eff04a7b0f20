from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analyzer.energy import COVERAGE_FACTOR, Line, comparable_j, expanded_j
from analyzer.energy.lines import coverage_factor, student_95

sizes = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5)


def normal(u_j: float) -> Line:
    return Line("normal", u_j, "")


def flat(u_j: float) -> Line:
    return Line("flat", u_j, "", flat=True)


def drawn_95(normals: list[float], flats: list[float]) -> float:
    """The 95 % of a sum, by Monte Carlo as JCGM 101 does it."""
    rng = np.random.default_rng(1)
    total = np.zeros(200_000)
    for u in normals:
        total += u * rng.standard_normal(len(total))
    for u in flats:
        total += u * np.sqrt(3) * rng.uniform(-1, 1, len(total))
    return float(np.quantile(np.abs(total), 0.95))


def test_normal_lines_have_the_factor_of_a_normal() -> None:
    assert coverage_factor([normal(1.0), normal(2.0)]) == pytest.approx(1.96, abs=1e-3)


def test_a_single_rectangle_ends_at_root_three() -> None:
    assert coverage_factor([flat(1.0)]) == pytest.approx(0.95 * np.sqrt(3), rel=1e-3)


@settings(deadline=None, max_examples=25)
@given(sizes, sizes)
def test_the_factor_is_that_of_monte_carlo_for_every_mixture(
    normals: list[float], flats: list[float]
) -> None:
    lines = [*map(normal, normals), *map(flat, flats)]
    assert expanded_j(lines) == pytest.approx(drawn_95(normals, flats), rel=0.02)


@settings(deadline=None, max_examples=25)
@given(sizes)
def test_the_factor_is_that_of_monte_carlo_for_rectangles_alone(flats: list[float]) -> None:
    assert expanded_j([flat(u) for u in flats]) == pytest.approx(drawn_95([], flats), rel=0.035)


def test_two_comparable_intervals_in_quadrature_hold_95_percent_of_their_difference() -> None:
    u95 = np.hypot(comparable_j([flat(1.0)]), comparable_j([flat(1.0)]))
    assert u95 == pytest.approx(drawn_95([], [1.0, 1.0]), rel=0.03)


def test_the_gain_is_not_in_the_comparable_interval() -> None:
    gain = Line("gain", 5.0, "", shared=True)
    assert comparable_j([gain, normal(1.0)]) == pytest.approx(COVERAGE_FACTOR)


def test_nothing_uncertain_is_certain() -> None:
    assert expanded_j([normal(0.0), flat(0.0)]) == 0.0


def test_a_line_that_few_readings_tell_is_wider() -> None:
    few = coverage_factor([Line("sampling", 1.0, "", dof=10)])
    assert few == pytest.approx(stats.t.ppf(0.975, 10), rel=2e-3)
    assert coverage_factor([Line("sampling", 0.1, "", dof=10), normal(1.0)]) == pytest.approx(1.96, rel=1e-3)


@given(st.floats(6, 1e6))
def test_students_factor_is_that_of_the_distribution(dof: float) -> None:
    assert student_95(dof) == pytest.approx(stats.t.ppf(0.975, dof), rel=0.006)


@given(sizes, sizes, st.floats(0.01, 100))
def test_lines_that_scale_scale_the_interval(normals: list[float], flats: list[float], factor: float) -> None:
    lines = [*map(normal, normals), *map(flat, flats)]
    scaled = [Line(line.name, line.u_j * factor, "", flat=line.flat) for line in lines]
    assert expanded_j(scaled) == pytest.approx(factor * expanded_j(lines))
