from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.acks import MAX_RANGES, Acks
from collector.books import Books, settled_by
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored
from telemetry.store.interface import Account, Report
from tests.collecting import ANCHOR, BOOT, KEY, NODE, STREAM, TOPIC, health, payload, stream_health


def desk(max_streams: int = 100) -> tuple[Books, Acks]:
    books = Books(max_streams)
    return books, Acks(books, per_second=5.0)


def settle(books: Books, acks: Acks, *seqs: int, key: StreamKey = KEY) -> None:
    books.settle(key, IntervalSet.of(seqs))
    acks.touch(key, IntervalSet.of(seqs))


def said(message: Stored, key: StreamKey = KEY) -> IntervalSet:
    union = IntervalSet()
    for stream in message.streams:
        if (stream.boot, stream.stream) == (key.boot, key.stream):
            union |= IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
    return union


def test_a_node_is_told_at_once_when_it_was_not_told_lately() -> None:
    books, acks = desk()
    settle(books, acks, 0)
    assert acks.due(now_s=100.0) == [NODE]


def test_a_node_is_told_at_most_five_times_a_second() -> None:
    books, acks = desk()
    sent = 0
    for tick in range(1000):
        settle(books, acks, tick)
        for node in acks.due(now_s=tick / 1000):
            acks.take(node, now_s=tick / 1000)
            sent += 1
    assert sent == 5


def test_the_last_frame_of_a_burst_is_told_when_the_pause_is_over() -> None:
    books, acks = desk()
    settle(books, acks, 0)
    acks.take(NODE, now_s=0.0)
    settle(books, acks, 1, 2)
    assert acks.due(now_s=0.1) == []
    assert acks.due_in_s(now_s=0.05) == 0.15000000000000002
    assert acks.due(now_s=0.2) == [NODE]
    assert said(acks.take(NODE, now_s=0.2).message) == IntervalSet.below(3)


def test_nothing_is_due_when_all_is_told() -> None:
    books, acks = desk()
    settle(books, acks, 0)
    acks.take(NODE, now_s=0.0)
    assert acks.due_in_s(now_s=9.0) is None


def test_nodes_do_not_wait_for_each_other() -> None:
    books, acks = desk()
    settle(books, acks, 0)
    acks.take(NODE, now_s=0.0)
    settle(books, acks, 0, key=KEY._replace(node="n2"))
    assert acks.due(now_s=0.01) == ["n2"]


def test_a_message_says_through_and_the_ranges_beyond() -> None:
    books, acks = desk()
    settle(books, acks, 0, 1, 2, 5, 6, 9)
    (stream,) = acks.take(NODE, now_s=0.0).message.streams
    assert (stream.boot, stream.stream) == (BOOT, STREAM)
    assert (stream.through, stream.ranges) == (2, ((5, 6), (9, 9)))


def test_a_frame_settled_before_is_told_again() -> None:
    books, acks = desk()
    settle(books, acks, 0, 1)
    acks.take(NODE, now_s=0.0)
    acks.touch(KEY, IntervalSet.of([1]))
    assert 1 in said(acks.take(NODE, now_s=1.0).message)


def test_a_message_that_could_not_be_sent_is_told_later() -> None:
    books, acks = desk()
    settle(books, acks, 0, 4)
    acks.put_back(acks.take(NODE, now_s=0.0))
    assert said(acks.take(NODE, now_s=1.0).message) == IntervalSet.of([0, 4])


def test_of_too_many_ranges_those_of_the_asked_frames_go_first() -> None:
    books, acks = desk()
    books.settle(KEY, IntervalSet.of(range(1, 1000, 2)))
    acks.touch(KEY, IntervalSet.of([991, 995]))
    (stream,) = acks.take(NODE, now_s=0.0).message.streams
    assert {(991, 991), (995, 995)} <= set(stream.ranges)
    assert len(stream.ranges) == MAX_RANGES
    assert acks.due_in_s(now_s=9.0) is None


def test_the_longest_names_and_numbers_keep_a_message_below_64_kb() -> None:
    books, acks = desk()
    for at in range(40):
        key = StreamKey(NODE, chr(0x10FFFF) * 250 + str(at), chr(0x10FFFF) * 256)
        settle(books, acks, *range(2**53 - 2001, 2**53 - 1, 2), key=key)
    told = acks.take(NODE, now_s=0.0)
    assert len(encode(told.message)) < 64_000
    assert len(encode(told.message, "json")) < 64_000


@given(st.sets(st.integers(0, 400), max_size=200), st.integers(1, 3))
def test_everything_settled_is_told_in_the_end_and_nothing_else(seqs: set[int], streams: int) -> None:
    books, acks = desk()
    keys = [KEY._replace(boot=f"b{at}") for at in range(streams)]
    for key in keys:
        settle(books, acks, *seqs, key=key)
    heard = dict.fromkeys(keys, IntervalSet())
    now_s = 0.0
    while seqs and acks.due_in_s(now_s) is not None:
        now_s += 1.0
        message = acks.take(NODE, now_s).message
        for key in keys:
            heard[key] |= said(message, key)
    if seqs:
        assert all(heard[key] == IntervalSet.of(seqs) for key in keys)


def test_the_books_open_with_what_the_store_holds() -> None:
    books, _ = desk()
    report = Report(node=NODE, health=stream_health(9, declared_lost=((5, 6, 10),)), as_of=1)
    held = Account(
        key=KEY, anchor=ANCHOR, stored=IntervalSet.below(4), dead=IntervalSet.of([4]), report=report
    )
    books.load([held])
    assert books.settled(KEY) == IntervalSet.below(7)


def test_the_books_forget_the_sequences_that_nobody_asked_for() -> None:
    books, _ = desk(max_streams=2)
    for boot in ("b1", "b2", "b1", "b3"):
        books.settle(KEY._replace(boot=boot), IntervalSet.of([0]))
    assert len(books) == 2
    assert not books.settled(KEY._replace(boot="b2"))


def test_a_forgotten_sequence_is_still_told_of_the_frame_that_came_again() -> None:
    books, acks = desk(max_streams=1)
    settle(books, acks, 7)
    books.settle(KEY._replace(boot="b2"), IntervalSet.of([0]))
    assert said(acks.take(NODE, now_s=0.0).message) == IntervalSet.of([7])


def test_a_stored_health_frame_settles_what_it_declares_lost() -> None:
    report = health(3, stream_health(9, declared_lost=((5, 6, 10),)))
    received = [
        receive(TOPIC, payload(0)),
        receive(f"e3p/v1/{NODE}/health/agent", encode(report)),
    ]
    frames = [each for each in received if isinstance(each, Received)]
    assert settled_by(frames) == {
        KEY: IntervalSet.of([0, 5, 6]),
        KEY._replace(stream="health/agent"): IntervalSet.of([3]),
    }
