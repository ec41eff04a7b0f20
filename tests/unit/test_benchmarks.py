from __future__ import annotations

import pytest
from msgspec.structs import replace

from benchmarks.agent import kept_by
from benchmarks.harness import Cost, Effort, a_second, aiming, alternate, compare, figure, per_item
from benchmarks.machine import describe
from benchmarks.made import power
from benchmarks.processes import Look, slope
from benchmarks.table import cells, markdown, number

ONE = per_item(10, "ms", 1e3)


def test_alternatives_are_measured_in_turn_after_a_round_that_is_not_counted() -> None:
    order: list[str] = []
    costs = alternate(lambda: order.append("a"), lambda: order.append("b"), rounds=2)
    assert "".join(order) == "ababab"
    assert [len(taken) for taken in costs] == [2, 2]


def test_a_figure_is_the_median_of_its_rounds() -> None:
    costs = [Cost(1.0, 0.5), Cost(9.0, 0.1), Cost(2.0, 0.2)]
    found = figure("x.y", "a thing", ONE, costs)
    assert (found.value, found.cpu, found.unit) == (200.0, 20.0, "ms")


def test_a_rate_is_how_many_in_a_second() -> None:
    assert figure("x.y", "a thing", a_second(10, "frames/s"), [Cost(2.0, 1.0)]).value == 5.0


def test_better_is_the_median_of_the_ratios_round_by_round() -> None:
    ours = [Cost(1.0, 1.0), Cost(2.0, 1.0), Cost(1.0, 1.0)]
    theirs = [Cost(3.0, 1.0), Cost(4.0, 1.0), Cost(10.0, 1.0)]
    assert compare("x.y", "a thing", ONE, [ours, theirs], "another").better == 3.0


@pytest.mark.parametrize(("value", "words"), [(0.2, "yes"), (0.4, "**no**")])
def test_the_table_says_whether_a_target_is_reached(value: float, words: str) -> None:
    found = aiming(figure("x.y", "a thing", per_item(1, "s", 1.0), [Cost(value, value)]), 0.3)
    assert cells(found)[-2:] == ("≤ 0.3", words)


def test_a_figure_without_a_target_says_nothing_of_one() -> None:
    assert cells(figure("x.y", "a thing", ONE, [Cost(1.0, 1.0)]))[-2:] == ("", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.0123"), (5.5678, "5.57"), (12345.6, "12,300"), (1_234_567.0, "1,230,000")],
)
def test_a_number_has_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_the_page_names_the_command_the_machine_and_only_what_was_run() -> None:
    found = figure("x.y", "a thing", ONE, [Cost(1.0, 1.0)])
    machine = describe()
    page = markdown([found], {"x": "About x.", "z": "About z."}, machine, "python -m benchmarks")
    assert "`python -m benchmarks`" in page
    assert str(machine) in page
    assert "## x" in page
    assert "About z." not in page


def test_memory_that_grows_by_one_mib_a_second_has_a_slope_of_sixty_a_minute() -> None:
    assert slope([Look(float(at), 100.0 + at, 0.0) for at in range(10)]) == pytest.approx(60.0)


def test_a_stamp_is_late_by_its_distance_from_the_earliest_grid() -> None:
    kept = kept_by([power(0), replace(power(1), t0=power(1).t0 + 2_000_000), replace(power(2), missed=1)])
    assert max(kept.late_ms) == 2.0
    assert kept.missed == 1 / 751


def test_quick_is_smaller() -> None:
    assert (Effort().pick(100, 1), Effort(quick=True).pick(100, 1)) == (100, 1)
