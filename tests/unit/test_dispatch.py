from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e3p.dispatch import Dispatch
from edge_node.delivery import MAX_FRAMES
from telemetry.contract.replies import Stored, StoredStream

BOOT = "b1"


def stored(through: int, *ranges: tuple[int, int], stream: str = "power/main", boot: str = BOOT) -> Stored:
    return Stored(streams=(StoredStream(boot=boot, stream=stream, through=through, ranges=ranges),))


def filled(count: int, stream: str = "power/main") -> Dispatch:
    dispatch = Dispatch(BOOT)
    for _ in range(count):
        dispatch.put(stream, 100, ticks=250)
    return dispatch


def test_frames_of_a_stream_are_numbered_from_0() -> None:
    dispatch = Dispatch(BOOT)
    assert [dispatch.put(stream, 10).seq for stream in ("power/main", "health/agent", "power/main")] == [
        0,
        0,
        1,
    ]


def test_no_more_than_the_window_is_sent_and_unanswered() -> None:
    dispatch = filled(200)
    assert len(dispatch.take(0.0)) == MAX_FRAMES
    assert dispatch.take(1.0) == []


def test_what_is_settled_makes_room_and_is_told_once() -> None:
    dispatch = filled(200)
    sent = [frame.seq for frame in dispatch.take(0.0)]
    assert [frame.seq for frame in dispatch.settle(stored(4))] == [0, 1, 2, 3, 4]
    assert dispatch.settle(stored(4)) == []
    assert len(dispatch.take(1.0)) == len(set(sent) & set(range(5)))
    assert len(dispatch) == 195


def test_what_is_settled_unasked_is_never_sent() -> None:
    dispatch = filled(10)
    dispatch.settle(stored(-1, (3, 8)))
    assert sorted(frame.seq for frame in dispatch.take(0.0)) == [0, 1, 2, 9]


def test_what_nobody_answers_is_sent_again() -> None:
    dispatch = filled(3)
    dispatch.take(0.0)
    assert dispatch.take(9.9) == []
    assert [frame.seq for frame in dispatch.take(10.0)] == [0, 1, 2]


def test_another_boots_word_settles_nothing() -> None:
    dispatch = filled(3)
    assert dispatch.settle(stored(2, boot="b2")) == []
    assert dispatch.settle(stored(2, stream="power/board")) == []


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=20))
def test_every_frame_is_settled_open_or_in_flight_and_counted_so(words: list[tuple[int, int]]) -> None:
    dispatch, gone, now_s = filled(60), 0, 0.0
    for first, more in words:
        dispatch.take(now_s)
        gone += len(dispatch.settle(stored(-1, (first, first + more))))
        now_s += 3.0
        assert gone + len(dispatch) == 60
    (report,) = dispatch.accounts.report(BOOT)
    assert sum(last - first + 1 for first, last in report.spooled) == len(dispatch)
    assert dispatch.accounts.tally.settled == gone
