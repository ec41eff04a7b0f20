from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.energy import Piece, Trace, join
from tests.unit.energy.waves import MS, START, ns


def piece(first: int, watts: Any, **more: Any) -> Piece:
    times = START + (first + np.arange(len(watts))) * MS
    return Piece(START + first * MS, times, np.array(watts, np.float64).reshape(len(watts), -1), MS, **more)


def same(one: Trace, other: Trace) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in vars(one))


@given(st.permutations(range(6)), st.data())
def test_the_order_of_frames_changes_nothing(order: list[int], data: st.DataObject) -> None:
    readings = st.one_of(st.floats(0, 100), st.just(float("nan")))
    pieces = [
        piece(10 * i, data.draw(st.lists(readings, min_size=1, max_size=10)), missed=i, counter_j=float(i))
        for i in range(6)
    ]
    assert same(join(pieces), join([pieces[i] for i in order]))


def test_readings_that_are_nan_or_infinite_are_none_and_count_as_missed() -> None:
    trace = join([piece(0, [1.0, np.nan, np.inf, 4.0])])
    assert trace.watts.tolist() == [1.0, 4.0]
    assert trace.missed(START, START + 3 * MS) == 2


def test_missed_ticks_of_a_frame_count_where_it_begins() -> None:
    trace = join([piece(0, [1.0]), piece(10, [2.0], missed=3)])
    assert trace.missed(START, START + 9 * MS) == 0
    assert trace.missed(START, START + 10 * MS) == 3


def test_a_frame_without_readings_adds_its_missed_ticks() -> None:
    empty = Piece(START + 5 * MS, [], np.empty((0, 1)), MS, missed=7)
    trace = join([piece(0, [1.0, 2.0]), empty])
    assert len(trace.watts) == 2
    assert trace.missed(START, START + 10 * MS) == 7


def test_no_frames_make_an_empty_trace() -> None:
    trace = join([])
    assert len(trace.times_ns) == 0
    assert trace.missed(START, START + MS) == 0


def test_the_total_is_chosen_and_parts_stay_beside_it() -> None:
    trace = join([piece(0, [[1.0, 10.0, 2.0], [3.0, 20.0, np.nan]])], total=1, parts=[0, 2])
    assert trace.watts.tolist() == [10.0, 20.0]
    assert np.array_equal(trace.parts_w, [[1.0, 2.0], [3.0, np.nan]], equal_nan=True)


def test_a_stamp_that_was_there_before_is_left_out_and_counted() -> None:
    trace = join([piece(0, [1.0, 2.0]), piece(1, [5.0, 6.0])])
    assert trace.watts.tolist() == [1.0, 2.0, 6.0]
    assert trace.repeated == 1


def test_each_reading_keeps_the_tick_of_its_frame() -> None:
    slow = Piece(START, [START, START + 50 * MS], [[1.0], [1.0]], 50 * MS)
    trace = join([piece(100, [1.0, 1.0]), slow])
    assert trace.tick_ns.tolist() == [50 * MS, 50 * MS, MS, MS]


def test_a_counter_stands_at_the_last_sample_of_its_frame() -> None:
    trace = join([piece(0, [1.0, 1.0], counter_j=5.0), piece(10, [1.0])])
    assert trace.counter_at_ns.tolist() == [START + MS]
    assert trace.counter_j.tolist() == [5.0]


def test_a_delay_stamps_the_readings_earlier_and_leaves_the_counter() -> None:
    trace = join([piece(0, [1.0, 1.0], counter_j=5.0)]).shifted(2 * MS)
    assert trace.times_ns.tolist() == [START - 2 * MS, START - MS]
    assert trace.counter_at_ns.tolist() == [START + MS]


def test_around_a_window_there_is_one_more_reading_on_either_side() -> None:
    trace = join([piece(0, list(range(10)))])
    assert trace.around(START + 3 * MS, START + 5 * MS).watts.tolist() == [2, 3, 4, 5, 6]
    assert trace.around(ns(-1), START).watts.tolist() == [0, 1]
