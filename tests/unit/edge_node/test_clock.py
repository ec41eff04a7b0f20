"""Pings and the exchanges that their answers make."""

from __future__ import annotations

from edge_node.clock import KEPT, OUTSTANDING, PingBook
from telemetry.contract.frames import Exchange
from telemetry.contract.replies import Ping, Pong

ANCHOR = 10**18


def _pong(ping: Ping, t2: int = 500, t3: int = 600) -> Pong:
    return Pong(id=ping.id, t1=ping.t1, t2=t2, t3=t3)


def test_a_ping_carries_node_time_and_its_exchange_monotonic_time() -> None:
    book = PingBook()
    ping = book.ping(ANCHOR, 100)
    assert ping.t1 == ANCHOR + 100
    assert book.pong(_pong(ping), 150)
    assert book.take() == (Exchange(t1=100, t2=500, t3=600, t4=150),)
    assert book.take() == ()


def test_an_answer_counts_once() -> None:
    book = PingBook()
    ping = book.ping(ANCHOR, 100)
    assert book.pong(_pong(ping), 150)
    assert not book.pong(_pong(ping), 151)


def test_an_answer_to_somebody_else_does_not_count() -> None:
    book = PingBook()
    ping = book.ping(ANCHOR, 100)
    assert not book.pong(Pong(id=ping.id + 1, t1=ping.t1, t2=1, t3=2), 150)
    assert not book.pong(Pong(id=ping.id, t1=ping.t1 + 1, t2=1, t3=2), 150)
    assert not book.pong(_pong(ping), 99)


def test_an_answer_that_comes_after_a_new_boot_began_does_not_count() -> None:
    book = PingBook()
    ping = book.ping(ANCHOR, 100)
    book.begin_boot()
    assert not book.pong(_pong(ping), 150)


def test_pings_without_answers_and_exchanges_without_frames_are_bounded() -> None:
    book = PingBook()
    pings = [book.ping(ANCHOR, t1) for t1 in range(OUTSTANDING + 1)]
    assert not book.pong(_pong(pings[0]), 100)
    assert book.pong(_pong(pings[-1]), 100)
    for t1 in range(2 * KEPT):
        book.pong(_pong(book.ping(ANCHOR, t1)), t1)
    assert len(book.take()) == KEPT
