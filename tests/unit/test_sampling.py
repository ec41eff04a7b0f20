"""Every tick is accounted for: a sample or missed, in one frame, numbered through all frames."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_node.sampling import Block, FrameBuilder, Losses, Schedule, frame_ticks, tick_ns
from telemetry.contract.columns import unpack, unpack_dt
from telemetry.contract.frames import PowerFrame
from telemetry.contract.judge import judge

MS = 1_000_000
SEC = 1_000_000_000


def _times(block: Block) -> list[int]:
    return [block.t0 + dt for dt in unpack_dt(block.dt, block.samples)]


def _judged(block: Block) -> Block:
    judge(
        PowerFrame(
            boot="b", seq=0, anchor=0, v=1, t0=block.t0, dt=block.dt, tick=block.tick, ch=block.ch, w=block.w,
            first=block.first, missed=block.missed, counter_j=block.counter_j,
        )
    )  # fmt: skip
    return block


# ---- the schedule -------------------------------------------------------------------------------


def test_ticks_stay_on_the_grid_however_late_each_is_taken() -> None:
    schedule = Schedule(1000, 100)
    assert [schedule.take(now) for now in (1003, 1150, 1299)] == [0, 0, 0]
    assert schedule.due_ns == 1300


def test_ticks_that_were_slept_through_are_missed_and_not_bunched() -> None:
    schedule = Schedule(1000, 100)
    assert schedule.take(1350) == 3
    assert schedule.due_ns == 1400


def test_a_tick_taken_early_is_the_one_that_is_due() -> None:
    schedule = Schedule(1000, 100)
    assert schedule.take(999) == 0
    assert schedule.due_ns == 1100


@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**10), min_size=1, max_size=50))
def test_samples_and_missed_ticks_are_all_the_ticks_there_were(tick: int, naps: list[int]) -> None:
    schedule = Schedule(0, tick)
    now = taken = 0
    for nap in naps:
        now = max(now + nap, schedule.due_ns)
        taken += 1 + schedule.take(now)
    assert taken == now // tick + 1
    assert schedule.due_ns == taken * tick


# ---- frames -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_hz", "frame_ms"), [(1000, 250), (400, 250), (100, 250), (50, 1000), (20, 1000)]
)
def test_frames_are_short_at_high_rates_and_a_second_at_low_ones(rate_hz: float, frame_ms: int) -> None:
    tick = tick_ns(rate_hz)
    assert frame_ticks(tick) * tick == frame_ms * MS


def test_a_tick_longer_than_a_second_is_a_frame_of_its_own() -> None:
    assert frame_ticks(10 * SEC) == 1


steps = st.one_of(
    st.tuples(st.just("add"), st.integers(-5, 10**10)),
    st.tuples(st.just("miss"), st.integers(0, 2000)),
    st.tuples(st.just("cut"), st.just(0)),
)


@given(st.lists(steps, max_size=80), st.integers(1, 20))
def test_each_frame_begins_where_the_ticks_of_the_one_before_end(
    script: list[tuple[str, int]], length: int
) -> None:
    builder = FrameBuilder("main", ("total", "part"), MS, length)
    blocks: list[Block] = []
    now = added = missed = 0
    for what, number in script:
        if what == "add":
            now += number
            builder.add(now, (1.0, 0.5))
            added += 1
        elif what == "miss":
            builder.miss(now, number)
            missed += number
        if (what == "cut" and builder.ticks) or builder.full:
            blocks.append(_judged(builder.cut()))
    if builder.ticks:
        blocks.append(_judged(builder.cut()))
    due = 0
    for block in blocks:
        assert block.first == due
        due = block.first + block.samples + block.missed
    assert sum(block.samples for block in blocks) == added
    assert sum(block.missed for block in blocks) == missed
    starts = [block.t0 for block in blocks]
    assert starts == sorted(set(starts))
    times = [t_ns for block in blocks for t_ns in _times(block)]
    assert times == sorted(set(times))


def test_a_frame_holds_its_samples_as_the_contract_packs_them() -> None:
    builder = FrameBuilder("main", ("total", "gpu"), MS, 3)
    for at in range(3):
        builder.add(10 * SEC + at * MS, (float(at), at / 2))
    assert builder.full
    block = builder.cut([7.0, 3.0])
    assert block == Block(
        stream="main",
        t0=10 * SEC,
        dt=array("i", [0, MS, 2 * MS]).tobytes(),
        tick=MS,
        ch=("total", "gpu"),
        w=array("f", [0, 0, 1, 0.5, 2, 1]).tobytes(),
        first=0,
        missed=0,
        counter_j=array("d", [7, 3]).tobytes(),
    )


def test_an_equal_stamp_stands_a_nanosecond_later_and_is_counted() -> None:
    builder = FrameBuilder("main", ("total",), MS, 9)
    for t_ns in (100, 100, 100, 101):
        builder.add(t_ns, (1.0,))
    assert builder.nudged == 3
    assert _times(builder.cut()) == [100, 101, 102, 103]


def test_a_stamp_equal_to_the_last_of_the_frame_before_is_nudged_too() -> None:
    builder = FrameBuilder("main", ("total",), MS, 1)
    builder.add(100, (1.0,))
    builder.cut()
    builder.add(100, (1.0,))
    assert builder.cut().t0 == 101


def test_a_frame_whose_ticks_all_failed_is_empty_and_says_so() -> None:
    builder = FrameBuilder("main", ("total",), MS, 2)
    builder.miss(500, 1)
    builder.miss(600, 1)
    block = builder.cut([1.0])
    assert (block.dt, block.w, block.counter_j, block.missed, block.t0) == (b"", b"", None, 2, 500)


def test_missed_ticks_fill_a_frame_like_samples() -> None:
    builder = FrameBuilder("main", ("total",), MS, 3)
    builder.add(1, (1.0,))
    assert not builder.full
    builder.miss(2, 2)
    assert builder.full


def test_a_frame_that_spans_a_long_stall_has_wide_offsets() -> None:
    builder = FrameBuilder("main", ("total",), MS, 5000)
    builder.add(0, (1.0,))
    builder.add(10 * SEC, (1.0,))
    block = _judged(builder.cut())
    assert len(block.dt) == 16
    assert _times(block) == [0, 10 * SEC]


@pytest.mark.parametrize("apart_ns", [MS, 10 * SEC])
def test_a_block_tells_its_last_stamp_whatever_the_width_of_its_offsets(apart_ns: int) -> None:
    builder = FrameBuilder("main", ("total",), MS, 9)
    for at in range(3):
        builder.add(SEC + at * apart_ns, (1.0,))
    assert builder.cut().last == SEC + 2 * apart_ns


def test_a_block_without_a_sample_ends_where_it_begins() -> None:
    builder = FrameBuilder("main", ("total",), MS, 2)
    builder.miss(500, 1)
    assert builder.cut().last == 500


def test_a_change_of_rate_begins_a_new_frame() -> None:
    builder = FrameBuilder("main", ("total",), 50 * MS, 20)
    builder.add(0, (1.0,))
    with pytest.raises(ValueError, match="wait to be cut"):
        builder.retune(MS)
    slow = builder.cut()
    builder.retune(MS)
    builder.add(1, (1.0,))
    fast = builder.cut()
    assert (slow.tick, fast.tick, fast.first) == (50 * MS, MS, 1)


def test_a_sensor_that_says_too_little_cannot_shift_the_columns() -> None:
    with pytest.raises(ValueError, match="1 readings for 2 channels"):
        FrameBuilder("main", ("a", "b"), MS, 9).add(0, (1.0,))


# ---- what could not be handed over --------------------------------------------------------------


def _blocks(count: int) -> list[Block]:
    builder = FrameBuilder("main", ("total",), MS, 3)
    made = []
    for at in range(count):
        builder.add(at * 10, (float(at),))
        builder.miss(at * 10 + 1, at % 3)
        builder.add(at * 10 + 2, (float(at),))
        made.append(builder.cut())
    return made


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_dropped_blocks_leave_no_hole_in_the_ticks(takes: list[bool]) -> None:
    blocks, losses = _blocks(len(takes)), Losses()
    out = []
    for block, taken in zip(blocks, takes, strict=True):
        if taken:
            out.append(losses.amend(block))
        else:
            losses.drop(block)
    out += losses.leftover()
    due = 0
    for block in out:
        _judged(block)
        assert block.first == due
        due += block.ticks
    assert due == sum(block.ticks for block in blocks)
    assert [block.t0 for block in out] == sorted({block.t0 for block in out})


def test_what_was_dropped_of_one_stream_is_not_told_by_another() -> None:
    one, two = _blocks(2)
    losses = Losses()
    losses.drop(one)
    other = Block("other", 0, b"", MS, ("total",), b"", 0, 1, None)
    assert losses.amend(other) == other
    assert losses.amend(two).missed == one.ticks + two.missed


def test_nothing_dropped_leaves_nothing_over() -> None:
    assert Losses().leftover() == []


def test_the_samples_of_a_dropped_block_are_gone_from_what_is_left_over() -> None:
    losses = Losses()
    (block,) = _blocks(1)
    losses.drop(block)
    (left,) = losses.leftover()
    assert unpack("f", left.w) == array("f")
    assert left.missed == block.ticks
