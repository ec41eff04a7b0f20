"""Frames come back as they were, by number and by time."""

from __future__ import annotations

import random

import pytest

from telemetry.contract.columns import pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.frames import ClockFrame, Exchange, MarksFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.marks import IdleBegin, Prepare
from telemetry.store.interface import Store
from tests.contracts.store.builders import (
    ANCHOR,
    MARKS,
    POWER,
    S,
    came,
    empty,
    health,
    power,
    word,
)

pytestmark = pytest.mark.anyio


async def test_every_kind_of_frame_comes_back_as_it_was(store: Store) -> None:
    marks = MarksFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=5, events=(Prepare(t=5, group="g"),))
    pings = (Exchange(t1=7, t2=ANCHOR, t3=ANCHOR + 1, t4=9),)
    clock = ClockFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=7, peer="c", exchanges=pings)
    clocks = POWER._replace(stream="clock/main")
    await store.write([power(0), came(MARKS, marks), came(clocks, clock), health(0, word(1))])
    assert await store.frames(MARKS, IntervalSet.below(1)) == [(0, marks)]
    assert await store.frames(clocks, IntervalSet.below(1)) == [(0, clock)]
    assert await store.frames(POWER._replace(stream="health/main"), IntervalSet.below(1)) == [
        (0, health(0, word(1)).frame)
    ]


async def test_frames_come_by_rising_number_whatever_order_they_arrived_in(store: Store) -> None:
    await store.write([power(seq) for seq in (3, 0, 2, 1)])
    assert [seq for seq, _ in await store.frames(POWER, IntervalSet.below(4))] == [0, 1, 2, 3]


async def test_only_the_numbers_asked_for_come(store: Store) -> None:
    await store.write([power(seq) for seq in range(10)])
    asked = IntervalSet([(1, 2), (5, 5), (9, 30)])
    assert [seq for seq, _ in await store.frames(POWER, asked)] == [1, 2, 5, 9]


async def test_a_sequence_that_is_not_held_has_no_frames(store: Store) -> None:
    assert await store.frames(POWER, IntervalSet.below(9)) == []
    assert await store.covering(POWER, 0, S) == []


async def test_streams_and_boots_do_not_mix(store: Store) -> None:
    keys = [POWER, POWER._replace(boot="b2"), POWER._replace(node="nano"), POWER._replace(stream="power/x")]
    await store.write([power(at, key=key) for at, key in enumerate(keys)])
    assert [[seq for seq, _ in await store.frames(key, IntervalSet.below(9))] for key in keys] == [
        [0],
        [1],
        [2],
        [3],
    ]


#
#   frame   0    1    2    3    4         each from second `seq` to `seq` + 0.75
#          |--- |--- |--- |--- |---


def seqs(frames: list[object]) -> list[int]:
    return [frame.seq for frame in frames]  # type: ignore[attr-defined]


async def test_a_window_comes_with_its_frames_and_the_nearest_to_each_side(store: Store) -> None:
    await store.write([power(seq) for seq in range(8)])
    assert seqs(await store.covering(POWER, 3 * S, 4 * S)) == [2, 3, 4, 5]


async def test_a_window_inside_a_frame_comes_with_both_neighbours(store: Store) -> None:
    await store.write([power(seq) for seq in range(8)])
    assert seqs(await store.covering(POWER, 3 * S + 1, 3 * S + 2)) == [2, 3, 4]


async def test_a_window_between_two_frames_comes_with_just_them(store: Store) -> None:
    await store.write([power(seq) for seq in range(8)])
    assert seqs(await store.covering(POWER, 3 * S + 800_000_000, 3 * S + 900_000_000)) == [3, 4]


async def test_a_frame_that_ends_where_the_window_begins_overlaps_it(store: Store) -> None:
    await store.write([power(seq) for seq in range(8)])
    assert seqs(await store.covering(POWER, 3 * S + 750_000_000, 3 * S + 900_000_000)) == [2, 3, 4]


async def test_a_window_after_everything_comes_with_the_last_frame(store: Store) -> None:
    await store.write([power(seq) for seq in range(3)])
    assert seqs(await store.covering(POWER, 100 * S, 101 * S)) == [2]


async def test_a_window_before_everything_comes_with_the_first_frame(store: Store) -> None:
    await store.write([power(seq) for seq in range(3, 6)])
    assert seqs(await store.covering(POWER, 0, S)) == [3]


async def test_a_long_frame_is_found_however_early_it_began(store: Store) -> None:
    long = power(0, dt=pack_dt([0, S, 2 * S, 60 * S]))
    await store.write([long, *(power(seq) for seq in range(1, 9))])
    assert seqs(await store.covering(POWER, 50 * S, 55 * S)) == [0, 8]


async def test_a_frame_without_samples_is_no_neighbour_of_a_power_window(store: Store) -> None:
    await store.write([power(0), empty(1), power(2), empty(3), power(4)])
    assert seqs(await store.covering(POWER, 2 * S, 2 * S + 1)) == [0, 2, 4]


async def test_a_frame_without_samples_inside_the_window_comes(store: Store) -> None:
    await store.write([power(0), empty(1), power(2)])
    assert seqs(await store.covering(POWER, S // 2, 2 * S)) == [0, 1, 2]


async def test_marks_are_found_up_to_their_last_event(store: Store) -> None:
    def marks(seq: int, *times: int) -> Received:
        events = tuple(IdleBegin(t=t, group="g") for t in times)
        frame = MarksFrame(v=1, boot="b1", seq=seq, anchor=ANCHOR, t0=times[0], events=events)
        return came(MARKS, frame)

    await store.write([marks(0, 1 * S), marks(1, 2 * S, 10 * S), marks(2, 11 * S), marks(3, 12 * S)])
    assert seqs(await store.covering(MARKS, 9 * S, 9 * S)) == [0, 1, 2]


async def test_frames_come_by_time(store: Store) -> None:
    order = list(range(20))
    random.Random(3).shuffle(order)
    await store.write([power(seq) for seq in order])
    assert seqs(await store.covering(POWER, 5 * S, 14 * S)) == list(range(4, 16))


async def test_times_at_the_edge_of_64_bits_are_no_error(store: Store) -> None:
    await store.write([power(0)])
    assert seqs(await store.covering(POWER, -(2**63), 2**63 - 1)) == [0]
