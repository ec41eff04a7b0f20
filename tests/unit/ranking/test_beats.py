from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analyzer.beats import beats, kendall_tau, probabilities, tie_groups

Floats = NDArray[np.float64]


def beaten_in(*percent: int) -> Floats:
    """Rows × 100 draws: the first row is 1 throughout, the others are below it in so many draws."""
    others = [np.where(np.arange(100) < share, 0.5, 2.0) for share in percent]
    return np.array([np.ones(100), *others])


def test_beating_is_counted_draw_by_draw() -> None:
    draws = beaten_in(92)
    assert beats(draws[0], draws[1]) == pytest.approx(0.92)


def test_equal_draws_count_half() -> None:
    assert beats(np.ones(10), np.ones(10)) == 0.5


def test_the_table_of_probabilities_says_what_each_pair_says() -> None:
    draws = np.random.default_rng(1).normal([[0.0], [0.3], [1.0]], 1.0, (3, 1000))
    table = probabilities(draws)
    for i, j in combinations(range(3), 2):
        assert table[i, j] == pytest.approx(float(beats(draws[i], draws[j])))
        assert table[i, j] + table[j, i] == pytest.approx(1.0)


def test_a_row_that_the_first_beats_opens_the_next_group() -> None:
    assert tie_groups(beaten_in(90, 94, 99)) == [1, 1, 1, 2]


def test_beaten_with_exactly_95_percent_is_beaten() -> None:
    assert tie_groups(beaten_in(95)) == [1, 2]


def test_a_row_is_compared_with_the_first_of_the_open_group_and_not_with_the_very_first() -> None:
    draws = np.vstack((beaten_in(96), np.where(np.arange(100) < 98, 0.4, 2.0)))
    assert tie_groups(draws) == [1, 2, 3]
    level = np.vstack((beaten_in(96), beaten_in(96)[1]))
    assert tie_groups(level) == [1, 2, 2]


def test_no_rows_have_no_groups() -> None:
    assert tie_groups(np.empty((0, 0))) == []


def test_equal_orders_have_a_tau_of_one_and_opposite_ones_of_minus_one() -> None:
    assert kendall_tau([1.0, 2.0, 3.0], [10.0, 20.0, 90.0]) == pytest.approx(1.0)
    assert kendall_tau([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(-1.0)


def test_tau_counts_ties_as_b_does() -> None:
    # By hand: of six pairs four agree, one disagrees, one is tied on the left: (4 - 1) / sqrt(5 · 6).
    assert kendall_tau([1.0, 2.0, 2.0, 3.0], [1.0, 2.0, 4.0, 3.0]) == pytest.approx(3 / np.sqrt(30))


def test_without_an_order_there_is_no_tau() -> None:
    assert kendall_tau([1.0, 1.0], [1.0, 2.0]) is None
    assert kendall_tau([1.0], [2.0]) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_tau_is_symmetric_and_between_minus_one_and_one(pairs: list[tuple[int, int]]) -> None:
    one, other = [float(pair[0]) for pair in pairs], [float(pair[1]) for pair in pairs]
    tau = kendall_tau(one, other)
    assert tau == kendall_tau(other, one)
    assert tau is None or -1.0 - 1e-12 <= tau <= 1.0 + 1e-12
