from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.gather import Arrival, Gather, weigh
from collector.letters import make_letter
from collector.settings import CollectorSettings
from telemetry.contract.decode import Received, receive
from telemetry.contract.errors import Refused
from tests.collecting import TOPIC, payload


def arrival(seq: int, **fields: object) -> Arrival:
    body = payload(seq, **fields)
    received = receive(TOPIC, body)
    assert isinstance(received, Received)
    return Arrival(received, body)


def gather(**settings: float) -> Gather:
    return Gather(CollectorSettings(**settings))


def test_nothing_is_due_while_nothing_waits() -> None:
    assert gather().due_in_s(now_s=5.0) is None


def test_a_batch_is_due_when_its_oldest_item_is_old_enough() -> None:
    held = gather(batch_age_s=0.5)
    held.add(arrival(0), now_s=10.0)
    held.add(arrival(1), now_s=10.4)
    assert held.due_in_s(now_s=10.25) == 0.25
    assert held.due_in_s(now_s=11.0) == 0


def test_a_full_batch_is_due_at_once() -> None:
    held = gather(batch_frames=2, batch_age_s=60.0)
    held.add(arrival(0), now_s=0.0)
    assert not held.full
    held.add(arrival(1), now_s=0.0)
    assert held.due_in_s(now_s=0.0) == 0


def test_a_batch_has_the_oldest_items_in_the_order_they_came() -> None:
    held = gather(batch_frames=2)
    for seq in (5, 3, 4):
        held.add(arrival(seq), now_s=0.0)
    assert [each.received.frame.seq for each in held.take().arrivals] == [5, 3]
    assert len(held) == 1


def test_what_exceeds_the_samples_allowed_is_refused() -> None:
    held = gather(queue_samples=10)
    assert held.add(arrival(0, samples=6), now_s=0.0)
    assert not held.add(arrival(1, samples=6), now_s=0.0)
    assert held.held.samples == 6


def test_what_exceeds_the_bytes_allowed_is_refused() -> None:
    held = gather(queue_bytes=weigh(arrival(0)).size_bytes + 1)
    assert held.add(arrival(0), now_s=0.0)
    assert not held.add(arrival(1), now_s=0.0)


def test_a_batch_under_way_still_takes_its_room() -> None:
    held = gather(queue_samples=4)
    held.add(arrival(0), now_s=0.0)
    batch = held.take()
    assert not held.add(arrival(1), now_s=0.0)
    held.release(batch)
    assert held.add(arrival(1), now_s=0.0)


def test_one_frame_larger_than_all_bounds_passes_alone() -> None:
    held = gather(queue_samples=1, queue_bytes=1)
    assert held.add(arrival(0), now_s=0.0)
    assert not held.add(arrival(1), now_s=0.0)


def test_letters_are_gathered_beside_frames() -> None:
    held = gather()
    held.add(make_letter("e3p/v1/n1/what", b"\x01", Refused("topic", "x", "y"), 1), now_s=0.0)
    held.add(arrival(0), now_s=0.0)
    batch = held.take()
    assert (len(batch.letters), len(batch.arrivals)) == (1, 1)


def test_a_json_frame_weighs_its_text_as_well() -> None:
    packed, text = arrival(0), arrival(0, encoding="json")
    assert weigh(text).size_bytes >= weigh(packed).size_bytes + len(text.payload)


@given(st.lists(st.sampled_from(["add", "take", "release"]), max_size=60))
def test_nothing_is_held_once_everything_is_released(steps: list[str]) -> None:
    held, out = gather(batch_frames=3, queue_samples=20), []
    for step in steps:
        if step == "add":
            held.add(arrival(0), now_s=0.0)
        elif step == "take":
            out.append(held.take())
        elif out:
            held.release(out.pop())
        assert held.held.samples <= 20
    while held:
        out.append(held.take())
    for batch in out:
        held.release(batch)
    assert held.held == (0, 0, 0)
