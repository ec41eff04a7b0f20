from __future__ import annotations

import numpy as np
import pytest

from analyzer.energy import Known, Piece, SensorFacts, Trace, join, measure
from tests.unit.energy.waves import MS, S, ns

FACTS = SensorFacts(
    period_ns=100 * MS, averaging_ns=100 * MS, delay_ns=100 * MS, gain_u=0.05, origin="synthetic"
)
MARKED = Known(is_marked=True)


def counting(at_s: list[float], factor: float = 1.0, *, back: bool = False) -> Trace:
    """10 W, and a counter that was read at some times: exact, but for its factor."""
    pieces, begin = [], -2.0
    for number, end in enumerate([*at_s, 30.0]):
        times = np.arange(ns(begin), ns(end) + 1, 10 * MS, dtype=np.int64)
        joules = 1000.0 + 10.0 * factor * (times[-1] - ns(0)) / S - (500.0 if back and number else 0.0)
        last = number == len(at_s)
        pieces.append(
            Piece(int(times[0]), times, np.full((len(times), 1), 10.0), 10 * MS, 0, None if last else joules)
        )
        begin = (times[-1] - ns(0)) / S + 0.01
    return join(pieces)


def test_a_counter_read_near_both_marks_is_the_answer() -> None:
    result = measure(counting([0.01, 5.0, 10.01], factor=1.01), FACTS, ns(0), ns(10), MARKED)
    assert result.method == "counter"
    assert result.energy_j == result.counter_j == pytest.approx(101.0, rel=1e-3)
    assert result.integral_j == pytest.approx(100.0)


def test_a_reading_just_after_the_end_mark_counts() -> None:
    result = measure(counting([0.01, 10.02]), FACTS, ns(0), ns(10), MARKED)
    assert (result.method, result.counter_j) == ("counter", pytest.approx(100.0))


def test_a_counter_read_far_from_a_mark_stands_beside_the_integral() -> None:
    result = measure(counting([3.0, 9.9], factor=1.02), FACTS, ns(0), ns(10), MARKED)
    assert result.method == "trapezoid"
    assert result.energy_j == result.integral_j == pytest.approx(100.0)
    assert result.counter_j == pytest.approx(100 + 0.02 * 69, rel=1e-3)


def test_a_counter_at_odds_with_the_readings_is_not_believed_and_stays_in_sight() -> None:
    result = measure(counting([0.01, 10.01], factor=0.05), FACTS, ns(0), ns(10), MARKED)
    assert (result.method, result.energy_j) == ("trapezoid", pytest.approx(100.0))
    assert result.counter_j == pytest.approx(5.0, abs=1.5)


def test_a_short_window_has_no_answer_of_a_counter() -> None:
    assert measure(counting([0.01, 4.51]), FACTS, ns(0), ns(4.5), MARKED).counter_j is None


def test_a_counter_that_went_backwards_has_no_answer() -> None:
    result = measure(counting([0.01, 5.0, 10.01], back=True), FACTS, ns(0), ns(10), MARKED)
    assert (result.counter_j, result.flags, result.state) == (None, ("counter_back",), "valid")


def test_a_counter_that_spans_less_than_half_of_a_window_has_no_answer() -> None:
    assert measure(counting([4.0, 6.0]), FACTS, ns(0), ns(10), MARKED).counter_j is None


def test_a_counter_is_known_to_its_age_at_both_ends() -> None:
    result = measure(counting([0.01, 10.01]), FACTS, ns(0), ns(10), MARKED)
    lines = {line.name: line for line in result.budget}
    assert lines["counter_end"].u_j == pytest.approx(10.0 * 0.1 / np.sqrt(12), rel=0.01)
    assert lines["gain"].u_j == pytest.approx(5.0, rel=0.01)
    assert "sampling" not in lines
