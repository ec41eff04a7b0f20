from __future__ import annotations

from collector.admission import Admission
from collector.settings import CollectorSettings
from telemetry.contract.frames import StreamKey

SETTINGS = CollectorSettings(max_nodes=3, node_streams=2, boots_per_hour=4, max_streams=100)


def key(node: str = "n1", boot: str = "b1", stream: str = "power/main") -> StreamKey:
    return StreamKey(node, boot, stream)


def test_a_node_too_many_is_not_let_in_and_the_others_stay() -> None:
    admission = Admission(SETTINGS)
    assert [admission.bound(key(f"n{at}"), 0) for at in range(5)] == [None, None, None, "nodes", "nodes"]
    assert admission.bound(key("n0"), 1) is None


def test_a_stream_too_many_is_not_let_in_whatever_its_boot() -> None:
    admission = Admission(SETTINGS)
    assert admission.bound(key(stream="power/a"), 0) is None
    assert admission.bound(key(stream="power/b"), 0) is None
    assert admission.bound(key(stream="power/c"), 0) == "streams"
    assert admission.bound(key(boot="b2", stream="power/a"), 0) is None


def test_new_boots_are_let_in_at_the_rate_that_is_set() -> None:
    admission = Admission(SETTINGS)
    assert [admission.bound(key(boot=f"b{at}"), 0) for at in range(5)] == [None] * 4 + ["boots"]
    assert admission.bound(key(boot="b4"), 899) == "boots"
    assert admission.bound(key(boot="b4"), 900) is None


def test_a_known_boot_costs_nothing() -> None:
    admission = Admission(SETTINGS)
    for at in range(100):
        assert admission.bound(key(), at) is None
    assert [admission.bound(key(boot=f"c{at}"), 100) for at in range(3)] == [None] * 3


def test_a_flood_of_boots_of_one_node_touches_no_other() -> None:
    admission = Admission(SETTINGS)
    for at in range(1000):
        admission.bound(key("n1", f"b{at}"), 0)
    assert admission.bound(key("n2"), 0) is None


def test_what_the_store_holds_was_let_in_before() -> None:
    admission = Admission(SETTINGS)
    admission.load(key(f"n{at}", f"b{at}") for at in range(10))
    assert [admission.bound(key(f"n{at}", f"b{at}"), 0) for at in range(10)] == [None] * 10
    assert admission.bound(key("n10"), 0) == "nodes"


def test_memory_stays_bounded_under_a_flood() -> None:
    admission = Admission(
        CollectorSettings(max_nodes=3, node_streams=2, boots_per_hour=10**9, max_streams=50)
    )
    for at in range(10_000):
        admission.bound(key(f"n{at % 100}", f"b{at}", f"power/s{at}"), 0)
    assert len(admission) == 3
    assert len(admission._boots) <= 50
    assert all(len(guest.streams) <= 2 for guest in admission._guests.values())
