"""When a window is computed. Timelines are drawn: a character a second, a digit is what is missing then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.closing import PATIENCE_S, Wait


def written(missing: str) -> str:
    """A `w` for each second in which a revision is computed, with so many frames missing in each."""
    wait = Wait(0.0)
    drawn = ""
    for second, digit in enumerate(missing):
        due = wait.due(int(digit), float(second))
        if due:
            wait.wrote(int(digit))
        drawn += "w" if due else "."
    return drawn


@pytest.mark.parametrize(
    ("missing", "computed"),
    [
        ("00000", "w...."),
        ("32100", "...w."),
        ("3333333333333333333333333", "..........w.............."),
        ("3333333333330000000000000", "..........w.w............"),
        ("3333333333331111111111111", "..........w...........w.."),
        ("3333333333332222211111111111111", "..........w................w..."),
        ("3333333333332222200000000000000", "..........w......w............."),
        ("1111111111112222222222222222222", "..........w...................."),
    ],
)
def test_a_revision_is_computed_when_complete_or_waited_for(missing: str, computed: str) -> None:
    assert written(missing) == computed


@given(st.lists(st.integers(0, 9), max_size=80))
def test_no_two_revisions_are_computed_with_the_same_frames_missing(missing: list[int]) -> None:
    drawn = "".join(map(str, missing))
    computed = [int(digit) for digit, mark in zip(drawn, written(drawn), strict=True) if mark == "w"]
    assert computed == sorted(set(computed), reverse=True)


@given(st.lists(st.integers(0, 9), min_size=11, max_size=80))
def test_after_ten_seconds_there_is_a_revision(missing: list[int]) -> None:
    assert "w" in written("".join(map(str, missing)))[: int(PATIENCE_S) + 1]


@given(st.lists(st.integers(0, 9), max_size=40))
def test_it_says_when_time_alone_makes_it_due(missing: list[int]) -> None:
    wait = Wait(0.0)
    for second, count in enumerate(missing):
        if wait.due(count, float(second)):
            wait.wrote(count)
    now, wakes = float(len(missing)), wait.wakes_s
    assert wait.due(wait.missing, 1e6) == (wakes is not None)
    assert wakes is None or wakes <= now + PATIENCE_S


def test_it_is_over_when_it_was_written_complete() -> None:
    wait = Wait(0.0)
    wait.wrote(1)
    assert not wait.over
    wait.wrote(0)
    assert wait.over
