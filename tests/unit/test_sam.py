from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.sam import UNITS_J, ScoreUndefined, in_unit, netscore, sam


def test_netscore_is_20_log_of_accuracy_squared_over_the_roots() -> None:
    assert netscore(80.0, 16.0, 4.0) == pytest.approx(20 * 2.9030899869919438)


# By hand, with 40 digits: 40·lg(Top-1) - 10·lg(parameters) - 10·lg(MACs), and 5·acc^a / lg(E).
NETSCORES = {
    (81.402, 22.05, 4.61): 56.354307823431690,  # 76.425403017 - 13.434085938 - 6.637009254
    (79.86, 10.95, 0.66): 67.503591687152692,  # 76.093172234 - 10.394141192 + 1.804560645
    (80.874, 5.39, 1.27): 67.958432086426303,  # 76.312356948 - 7.315887652 - 1.038037210
}
SAMS = {
    (0.8, 1000.0, 5.0): 0.546133333333333,
    (0.832, 412.5, 5.0): 0.762157168756933,
    (0.79, 2345.678, 3.0): 0.731453614768274,
}


@pytest.mark.parametrize(("numbers", "by_hand"), NETSCORES.items())
def test_netscore_is_what_a_hand_computes(numbers: tuple[float, float, float], by_hand: float) -> None:
    assert netscore(*numbers) == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize(("numbers", "by_hand"), SAMS.items())
def test_sam_is_what_a_hand_computes(numbers: tuple[float, float, float], by_hand: float) -> None:
    assert sam(*numbers, b=5.0) == pytest.approx(by_hand, abs=1e-9)


def test_netscore_of_other_units_is_shifted_by_a_constant() -> None:
    shift = netscore(80.0, 16e6, 4.0) - netscore(80.0, 16.0, 4.0)
    assert netscore(75.0, 5e6, 1.1) - netscore(75.0, 5.0, 1.1) == pytest.approx(shift)


NOT_ABOVE_ZERO = [(0.0, 5.0, 1.0), (80.0, 0.0, 1.0), (80.0, 5.0, -1.0), (80.0, 5.0, float("nan"))]


@pytest.mark.parametrize("numbers", NOT_ABOVE_ZERO)
def test_netscore_refuses_what_is_not_above_zero(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ScoreUndefined, match="above 0"):
        netscore(*numbers)


def test_sam_is_b_times_accuracy_to_the_a_over_the_log_of_energy() -> None:
    assert sam(0.8, 1000.0, 5, 5) == pytest.approx(5 * 0.8**5 / 3)


def test_a_and_b_are_five_unless_given() -> None:
    assert sam(0.8, 1000.0) == sam(0.8, 1000.0, 5.0, 5.0)


@pytest.mark.parametrize("energy", [1.0, 0.5, 0.0, -3.0, float("inf"), float("nan")])
def test_an_energy_of_one_unit_or_less_is_refused_with_the_way_out(energy: float) -> None:
    with pytest.raises(ScoreUndefined, match=r"above 1 unit.*choose a smaller unit"):
        sam(0.8, energy)


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, 81.4, float("nan")])
def test_an_accuracy_that_is_no_fraction_is_refused(accuracy: float) -> None:
    with pytest.raises(ScoreUndefined, match="from 0 to 1"):
        sam(accuracy, 100.0)


@pytest.mark.parametrize(("unit", "number"), [("J", 7200.0), ("mJ", 7.2e6), ("kJ", 7.2), ("Wh", 2.0)])
def test_energy_in_each_unit(unit: str, number: float) -> None:
    assert in_unit(7200.0, unit) == pytest.approx(number)


def test_an_unknown_unit_is_refused_with_those_there_are() -> None:
    with pytest.raises(ScoreUndefined, match="'cal' is not one of J, mJ, kJ, Wh"):
        in_unit(1.0, "cal")


pairs = st.tuples(st.floats(0.1, 1.0), st.floats(2.0, 1e6))


@given(pairs, pairs, st.floats(0.1, 100))
def test_b_never_changes_an_order(one: tuple[float, float], other: tuple[float, float], b: float) -> None:
    plain = sam(*one) - sam(*other)
    scaled = sam(*one, 5.0, b) - sam(*other, 5.0, b)
    assert scaled == pytest.approx(plain * b / 5.0, abs=1e-9)


def test_the_unit_can_change_an_order() -> None:
    frugal, accurate = (0.80, 20_000.0), (0.82, 30_000.0)
    orders = {
        unit: sam(frugal[0], in_unit(frugal[1], unit)) > sam(accurate[0], in_unit(accurate[1], unit))
        for unit in UNITS_J
    }
    assert orders["J"] is False
    assert orders["Wh"] is True
