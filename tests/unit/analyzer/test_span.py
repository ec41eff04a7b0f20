"""Which frames a window needs, and why some are not held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.span import Holes, Span, explain, needed, on_own_clock, reaching, reported_end
from telemetry.contract.frames import PowerFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import INT64_MAX, INT64_MIN
from telemetry.store.interface import Account, Report
from tests.analyzing import ANCHOR, NODE, Maker, S, at

MAKER = Maker()
KEY = MAKER.key("power/main")


def held(*seconds: int) -> list[PowerFrame]:
    frames = [MAKER.power(second).frame for second in seconds]
    return [frame for frame in frames if isinstance(frame, PowerFrame)]


def bare(second: int) -> PowerFrame:
    frame = MAKER.power(second, dt=b"", w=b"", missed=20).frame
    assert isinstance(frame, PowerFrame)
    return frame


def account(next_seq: int, as_of_s: float = 0, **fields: object) -> Account:
    health = MAKER.said(next_seq, **fields)
    report = Report(node=NODE, health=health, as_of=ANCHOR + at(as_of_s))
    return Account(key=KEY, anchor=ANCHOR, stored=IntervalSet(), dead=IntervalSet.of([7]), report=report)


def test_the_frame_that_the_begin_lies_in_is_the_first_needed() -> None:
    assert needed(held(2, 3, 4, 5, 6), at(3.5), 5) == IntervalSet([(3, 5)])


def test_a_frame_that_begins_with_the_window_is_enough() -> None:
    assert needed(held(2, 3, 4), at(3), 4) == IntervalSet([(3, 4)])


def test_without_a_frame_before_the_begin_all_from_the_first_are_needed() -> None:
    assert needed(held(4, 5), at(3.5), 5) == IntervalSet([(0, 5)])


def test_a_frame_without_samples_does_not_tell_of_the_begin() -> None:
    assert needed([*held(2), bare(3), *held(4)], at(3.5), 4) == IntervalSet([(2, 4)])


def test_a_hole_before_the_begin_counts_for_it_may_reach_into_the_window() -> None:
    assert needed(held(1, 4, 5), at(3.5), 5) - IntervalSet.of([1, 4, 5]) == IntervalSet([(2, 3)])


def test_unknown_how_far_it_goes_the_last_one_held_stands_for_it() -> None:
    assert needed(held(2, 3), at(2.5), None) == IntervalSet([(2, 3)])
    assert not needed([], at(2.5), None)


def test_nothing_is_needed_of_a_boot_that_was_over_before() -> None:
    assert not needed(held(2), at(9), 1)


@given(st.sets(st.integers(0, 20)), st.floats(0, 20), st.integers(0, 20))
def test_the_more_is_held_the_less_is_needed(seconds: set[int], begin_s: float, through: int) -> None:
    every = needed(held(*range(21)), at(begin_s), through)
    assert not every - needed(held(*seconds), at(begin_s), through)


def test_the_first_reading_at_or_after_the_end_is_reached() -> None:
    assert reaching(held(2, 3, 4), at(3.95)) == 3
    assert reaching(held(2, 3, 4), at(3.96)) == 4
    assert reaching(held(2, 3), at(5)) is None
    assert reaching([bare(9)], at(5)) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, None),
        (account(5), None),
        (account(5, as_of_s=20), 4),
        (account(5, final=True), 4),
        (account(0, final=True), -1),
    ],
)
def test_a_node_tells_how_far_it_came_by_a_last_or_a_later_report(
    known: Account | None, expected: int | None
) -> None:
    assert reported_end(known, at(10)) == expected


def test_absent_frames_are_dead_or_lost_or_may_still_come() -> None:
    absent = IntervalSet([(5, 9)])
    assert explain(absent, account(10, declared_lost=((8, 20, 9),))) == Holes(missing=2, dead=1, lost=2)
    assert explain(absent, None) == Holes(missing=5)


def test_a_dead_letter_that_was_declared_lost_as_well_is_dead() -> None:
    assert explain(IntervalSet.of([7]), account(10, declared_lost=((7, 7, 9),))) == Holes(dead=1)


def test_a_span_grows_no_further_than_64_bits() -> None:
    wide = Span("b1", INT64_MIN + 5, INT64_MAX - 5, 0).wider(10, 10)
    assert (wide.begin, wide.end) == (INT64_MIN, INT64_MAX)
    own = on_own_clock("b1", -(2**62), INT64_MAX - S, INT64_MAX)
    assert (own.begin, own.end) == (INT64_MAX, INT64_MAX)
