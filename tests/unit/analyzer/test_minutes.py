"""Which minutes had work, and what was done in them. The node's clock begins 20 s into a minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.labour import Job, busy_share, labour_of
from analyzer.minutes import Minutes
from telemetry.contract.decode import Received
from telemetry.contract.frames import MarksFrame
from telemetry.contract.intervals import IntervalSet
from tests.analyzing import ANCHOR, Maker, S, work

MINUTE = 60 * S
FIRST = (ANCHOR // MINUTE) * MINUTE
MAKER = Maker()


def noted(*frames: Received, now_s: float = 0.0) -> Minutes:
    minutes = Minutes(MINUTE)
    for received in frames:
        minutes.note(received.key, received.frame, now_s)
    return minutes


def marks_of(*frames: Received) -> list[MarksFrame]:
    return [received.frame for received in frames if isinstance(received.frame, MarksFrame)]


def test_a_minute_begins_at_a_multiple_of_its_length() -> None:
    minutes = noted(MAKER.marks(0, work(10)), MAKER.marks(1, work(200)))
    assert minutes.over(0.0) == [FIRST]


def test_a_minute_is_over_when_its_node_tells_of_three_seconds_later() -> None:
    end_s = (FIRST + MINUTE - ANCHOR) / S
    assert noted(MAKER.marks(0, work(1)), MAKER.marks(1, work(end_s + 2.9))).over(0.0) == []
    assert noted(MAKER.marks(0, work(1)), MAKER.marks(1, work(end_s + 3))).over(0.0) == [FIRST]


def test_where_nothing_more_is_told_a_minute_is_over_after_a_while() -> None:
    minutes = noted(MAKER.marks(0, work(1)))
    assert minutes.over(74.0) == []
    assert minutes.over(75.0) == [FIRST]


def test_a_clock_that_ran_ahead_in_another_boot_ends_no_minute() -> None:
    ahead = Maker("b0", anchor=ANCHOR + 86_400 * S)
    assert noted(ahead.marks(0, work(1)), MAKER.marks(0, work(1))).over(0.0) == []


def test_batches_told_more_than_ten_minutes_late_are_left_out() -> None:
    late = MAKER.marks(0, work(700, ends_s=(50, 100)))
    minutes = noted(late, MAKER.marks(1, work(900)))
    assert (ANCHOR + 50 * S) // MINUTE * MINUTE not in minutes.over(0.0)
    assert labour_of(marks_of(late), ANCHOR + 40 * S, ANCHOR + 60 * S).jobs == {}


def test_frames_of_a_minute_are_done_with_once_it_is_settled() -> None:
    frames = [MAKER.marks(0, work(1)), MAKER.marks(1, work(200))]
    minutes = noted(*frames)
    minutes.read(frames[0].key, marks_of(*frames))
    assert minutes.done() == {}
    minutes.over(0.0)
    assert minutes.done() == {}
    minutes.settled(FIRST)
    assert minutes.done() == {frames[0].key: IntervalSet.of([0])}


def test_a_report_that_came_late_lets_the_minutes_it_speaks_for_be_computed_again() -> None:
    minutes = noted(MAKER.marks(0, work(300)), MAKER.health(0, 50))
    assert minutes.over(100.0)[0] == (ANCHOR + 50 * S) // MINUTE * MINUTE


def test_each_application_and_model_has_its_own_batches() -> None:
    frames = marks_of(MAKER.marks(0, work(10), work(11, "door"), work(12, model="deit")))
    labour = labour_of(frames, ANCHOR, ANCHOR + 60 * S)
    assert set(labour.jobs) == {Job("cam", "vit"), Job("door", "vit"), Job("cam", "deit")}


@given(st.lists(st.integers(1, 119), min_size=1, max_size=30, unique=True), st.integers(1, 119))
def test_two_windows_side_by_side_share_out_the_images_of_both(ends_s: list[int], cut_s: int) -> None:
    frames = marks_of(MAKER.marks(0, work(120, ends_s=sorted(ends_s))))
    parts = [(0, cut_s), (cut_s, 120), (0, 120)]
    first, second, both = (
        sum(int(job.images.sum()) for job in labour_of(frames, ANCHOR + b * S, ANCHOR + e * S).jobs.values())
        for b, e in parts
    )
    assert first + second == both == 4 * len(ends_s)


def test_batches_at_one_time_count_once_in_the_busy_share() -> None:
    labour = labour_of(marks_of(MAKER.marks(0, work(20, ends_s=(10, 10.25, 19)))), ANCHOR, ANCHOR + 20 * S)
    (batches,) = labour.jobs.values()
    assert busy_share(batches, ANCHOR, ANCHOR + 20 * S) == pytest.approx((0.75 + 0.5) / 20)
    assert busy_share(batches, ANCHOR + 10 * S, ANCHOR + 20 * S) == pytest.approx(0.75 / 10)
