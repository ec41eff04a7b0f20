from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.intervals import IntervalSet

numbers = st.sets(st.integers(0, 60))


@given(numbers)
def test_it_holds_the_numbers_it_was_made_of(one: set[int]) -> None:
    assert list(IntervalSet.of(one)) == sorted(one)
    assert len(IntervalSet.of(one)) == len(one)
    assert bool(IntervalSet.of(one)) == bool(one)


@given(numbers, numbers)
def test_union_difference_and_intersection_are_those_of_sets(one: set[int], other: set[int]) -> None:
    a, b = IntervalSet.of(one), IntervalSet.of(other)
    assert set(a | b) == one | other
    assert set(a - b) == one - other
    assert set(a & b) == one & other


@given(numbers, numbers)
def test_equal_sets_are_equal_however_they_were_made(one: set[int], other: set[int]) -> None:
    made = (IntervalSet.of(one) | IntervalSet.of(other)) - IntervalSet.of(other)
    assert made == IntervalSet.of(one - other)
    assert hash(made) == hash(IntervalSet.of(one - other))


@given(numbers, st.integers(-5, 70))
def test_membership_is_that_of_the_set(one: set[int], number: int) -> None:
    assert (number in IntervalSet.of(one)) == (number in one)


@given(numbers)
def test_ranges_are_sorted_disjoint_and_never_touch(one: set[int]) -> None:
    ranges = IntervalSet.of(one).ranges
    assert all(first <= last for first, last in ranges)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(ranges))


@given(numbers)
def test_through_is_the_end_of_the_run_that_begins_with_zero(one: set[int]) -> None:
    expected = next(n for n in range(62) if n not in one) - 1
    assert IntervalSet.of(one).through == expected


@given(numbers)
def test_through_and_what_lies_beyond_make_the_whole(one: set[int]) -> None:
    made = IntervalSet.of(one)
    assert IntervalSet.below(made.through + 1) | made.beyond(made.through) == made


@given(numbers)
def test_the_wires_lists_make_the_same_set_again(one: set[int]) -> None:
    made = IntervalSet.of(one)
    assert IntervalSet(made.as_lists()) == made


@given(st.integers(-3, 60))
def test_below_is_a_range_of_python(end: int) -> None:
    assert list(IntervalSet.below(end)) == list(range(end))


@pytest.mark.parametrize("bad", [(-1, 3), (4, 3)])
def test_what_is_no_range_is_refused(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a range"):
        IntervalSet([bad])


def test_it_reads_as_a_person_writes_it() -> None:
    assert repr(IntervalSet.of([0, 1, 2, 5])) == "IntervalSet(0-2, 5)"
