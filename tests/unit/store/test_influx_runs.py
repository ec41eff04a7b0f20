"""Runs of numbers with their times, against a plain map of number to time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx.runs import Run, Runs

stamps = st.dictionaries(st.integers(0, 60), st.integers(0, 1_000), max_size=40)


def runs_of(held: dict[int, int]) -> Runs:
    runs = Runs()
    for seq, stamp in held.items():
        runs.add(seq, stamp)
    return runs


@given(stamps)
def test_runs_hold_the_numbers_that_were_added(held: dict[int, int]) -> None:
    runs = runs_of(held)
    assert runs.seqs == IntervalSet.of(held)
    assert [seq for seq in range(62) if seq in runs] == sorted(held)


@given(stamps)
def test_a_run_spans_the_times_of_its_numbers(held: dict[int, int]) -> None:
    for run in runs_of(held):
        inside = [held[seq] for seq in range(run.first, run.last + 1)]
        assert (run.begin, run.end) == (min(inside), max(inside))


@given(stamps, stamps)
def test_the_order_of_adding_and_joining_does_not_matter(one: dict[int, int], other: dict[int, int]) -> None:
    other = {seq: one.get(seq, stamp) for seq, stamp in other.items()}
    joined = Runs((*runs_of(one), *runs_of(other)))
    assert list(joined.seqs) == sorted({*one, *other})
    assert list(joined) == list(Runs((*runs_of(other), *runs_of(one))))


@given(stamps, st.integers(0, 60), st.integers(0, 1_000))
def test_numbers_in_order_never_share_a_time(held: dict[int, int], seq: int, stamp: int) -> None:
    rising = {number: 10 * number for number in held}
    runs = runs_of(rising)
    if seq not in rising and runs.in_order(seq, stamp):
        assert stamp not in rising.values()


@given(stamps, st.integers(0, 1_000), st.integers(0, 50))
def test_where_no_run_reaches_no_frame_lies(held: dict[int, int], begin: int, length: int) -> None:
    if not runs_of(held).reaches(begin, begin + length):
        assert not [stamp for stamp in held.values() if begin <= stamp <= begin + length]


def test_the_parts_of_a_set_that_are_held_come_with_their_run() -> None:
    runs = runs_of({0: 0, 1: 10, 2: 20, 7: 70})
    assert list(runs.among(IntervalSet([(1, 5), (7, 9)]))) == [
        (1, 2, Run(0, 2, 0, 20)),
        (7, 7, Run(7, 7, 70, 70)),
    ]
