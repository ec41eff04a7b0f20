from __future__ import annotations

import pytest

from view.numbers import fixed, milliseconds, moment, percent, seconds, sureness, unit


def test_zeros_at_the_end_stay_where_columns_are_compared() -> None:
    assert [fixed(0.45), fixed(12.0), fixed(123.4), fixed(0.0123)] == ["0.450", "12.0", "123", "0.0123"]


def test_a_large_figure_has_no_exponent() -> None:
    assert fixed(123_456.0) == "123456"


@pytest.mark.parametrize(
    ("probability", "words"),
    [(1.0, "> 0.99"), (0.996, "> 0.99"), (0.98, "0.98"), (0.5, "0.50"), (0.004, "< 0.01"), (0.0, "< 0.01")],
)
def test_no_number_of_draws_shows_certainty(probability: float, words: str) -> None:
    assert sureness(probability) == words


def test_what_is_absent_stays_absent() -> None:
    assert unit(None, "J") is None
    assert percent(None) is None
    assert moment(None) is None


def test_lengths_are_told_in_the_unit_that_suits_them() -> None:
    assert [seconds(n * 10**9) for n in (3, 600, 7200)] == ["3 s", "10.0 min", "2.0 h"]


def test_an_offset_comes_with_its_uncertainty() -> None:
    assert milliseconds(-100_000, 2_000_000) == "-0.1 ± 2.0 ms"
