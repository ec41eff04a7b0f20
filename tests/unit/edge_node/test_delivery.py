"""The contract's delivery rules: what is sent, in what order, and when again."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_node.delivery import MAX_BYTES, MAX_FRAMES, Delivery, Waiting


def _frames(*ids: int, size: int = 100) -> list[Waiting]:
    return [Waiting(id_, size) for id_ in ids]


def _choose(delivery: Delivery, ids: range, size: int = 100) -> list[int]:
    waiting = [Waiting(id_, size) for id_ in ids if id_ not in delivery.in_flight]
    return [frame.id for frame in delivery.choose(waiting[::-1], waiting)]


def _send(delivery: Delivery, ids: list[int], now_s: float = 0.0, size: int = 100) -> None:
    for frame in _frames(*ids, size=size):
        delivery.sent(frame, now_s)


def test_the_newest_goes_first() -> None:
    assert _choose(Delivery(), range(1, 4)) == [3, 2, 1]


def test_every_tenth_frame_is_the_oldest() -> None:
    chosen = _choose(Delivery(), range(1000))
    assert chosen[:11] == [999, 998, 997, 996, 995, 994, 993, 992, 991, 0, 990]
    assert sum(id_ < 500 for id_ in chosen) == MAX_FRAMES // 10


def test_the_oldest_gets_its_turn_though_frames_go_out_one_by_one() -> None:
    delivery, waiting, sent = Delivery(), set(range(100)), []
    for _ in range(20):
        frame = _frames(*sorted(waiting))
        chosen = delivery.choose(frame[::-1], frame)[0]
        delivery.sent(chosen, 0.0)
        delivery.settled([chosen.id])
        waiting.discard(chosen.id)
        sent.append(chosen.id)
    assert [id_ for id_ in sent if id_ < 50] == [0, 1]


def test_no_more_than_64_frames_are_in_flight() -> None:
    delivery = Delivery()
    _send(delivery, _choose(delivery, range(1000)))
    assert len(delivery.in_flight) == MAX_FRAMES
    assert delivery.room == 0
    assert _choose(delivery, range(1000)) == []


def test_no_more_than_4_mib_are_in_flight() -> None:
    delivery = Delivery()
    _send(delivery, _choose(delivery, range(1000), size=2**20), size=2**20)
    assert len(delivery.in_flight) == MAX_BYTES // 2**20


def test_a_frame_above_the_limit_goes_alone() -> None:
    assert _choose(Delivery(), range(3), size=MAX_BYTES + 1) == [2]


def test_what_is_settled_makes_room() -> None:
    delivery = Delivery()
    _send(delivery, list(range(MAX_FRAMES)))
    delivery.settled([3, 4])
    assert delivery.room == 2


def test_a_frame_is_due_again_after_ten_seconds() -> None:
    delivery = Delivery()
    _send(delivery, [1], now_s=5.0)
    assert delivery.next_due() == 15.0
    assert delivery.overdue(14.9) == []
    assert delivery.overdue(15.0) == [1]


def test_the_time_out_doubles_once_a_round_up_to_five_minutes() -> None:
    delivery = Delivery()
    _send(delivery, [1, 2], now_s=0.0)
    now_s, seen = 0.0, []
    for _ in range(7):
        now_s = delivery.next_due()
        _send(delivery, delivery.overdue(now_s), now_s)
        seen.append(delivery.timeout_s)
    assert seen == [20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_frames_of_one_round_that_fall_due_apart_double_it_once() -> None:
    delivery = Delivery()
    _send(delivery, [1], now_s=0.0)
    _send(delivery, [2], now_s=5.0)
    _send(delivery, delivery.overdue(10.0), 10.0)
    assert delivery.timeout_s == 20.0
    assert delivery.overdue(25.0) == [2]
    assert delivery.timeout_s == 20.0


def test_an_answer_brings_the_time_out_back() -> None:
    delivery = Delivery()
    _send(delivery, [1, 2], now_s=0.0)
    _send(delivery, delivery.overdue(10.0), 10.0)
    delivery.settled([])
    assert delivery.timeout_s == 20.0
    delivery.settled([1])
    assert delivery.timeout_s == 10.0


def _silent(frames: int) -> Delivery:
    """Frames sent, and sent again after ten seconds, without an answer."""
    delivery = Delivery()
    _send(delivery, list(range(frames)), now_s=0.0)
    again = delivery.overdue(10.0)
    assert again == list(range(frames))
    _send(delivery, again, 10.0)
    return delivery


def test_into_a_silence_only_the_oldest_few_are_sent_once_a_round() -> None:
    delivery = _silent(20)
    assert delivery.overdue(30.0) == [0, 1, 2, 3]
    _send(delivery, [0, 1, 2, 3], 30.0)
    assert (delivery.overdue(30.0), delivery.overdue(69.9)) == ([], [])
    assert delivery.overdue(70.0) == [0, 1, 2, 3]


def test_a_silence_that_ends_before_it_was_probed_leaves_each_frame_its_own_time_out() -> None:
    delivery = Delivery()
    _send(delivery, [0, 1], now_s=0.0)
    _send(delivery, [2, 3], now_s=3.0)
    again = delivery.overdue(10.0)
    assert again == [0, 1]
    _send(delivery, again, 10.0)
    delivery.settled([0, 1])
    assert delivery.overdue(13.0) == [2, 3]


def test_when_the_silence_is_over_the_rest_has_a_time_out_of_its_own() -> None:
    delivery = _silent(20)
    _send(delivery, delivery.overdue(30.0), 30.0)
    delivery.settled([0, 1])
    assert delivery.overdue(65.0) == []
    assert delivery.next_due() == 75.0
    assert delivery.overdue(75.0) == list(range(2, 20))


def test_after_a_reconnect_everything_in_flight_is_due_at_once() -> None:
    delivery = Delivery()
    _send(delivery, [1, 2, 3], now_s=100.0)
    delivery.reconnected()
    assert delivery.overdue(100.0) == [1, 2, 3]
    assert delivery.timeout_s == 10.0


def test_nothing_is_due_when_nothing_is_in_flight() -> None:
    assert Delivery().next_due() == float("inf")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("sro"), st.integers(0, 200)), max_size=300))
def test_the_window_holds_and_nothing_is_sent_twice_without_being_due(steps: list[tuple[str, int]]) -> None:
    delivery, waiting, now_s = Delivery(), {id_: 50_000 + id_ for id_ in range(200)}, 0.0
    for what, number in steps:
        now_s += 1.0
        if what == "s":
            frames = [Waiting(i, size) for i, size in sorted(waiting.items()) if i not in delivery.in_flight]
            for frame in delivery.choose(frames[::-1], frames)[:number]:
                assert frame.id not in delivery.in_flight
                delivery.sent(frame, now_s)
        elif what == "r":
            waiting.pop(number, None)
            delivery.settled([number])
        else:
            for id_ in delivery.overdue(now_s):
                delivery.sent(Waiting(id_, waiting[id_]), now_s)
        assert set(delivery.in_flight) <= set(waiting)
        assert len(delivery.in_flight) <= MAX_FRAMES
        assert sum(waiting[id_] for id_ in delivery.in_flight) <= MAX_BYTES
