from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.runtime.inbox import Inbox, Message

pytestmark = pytest.mark.anyio


async def take(inbox: Inbox, count: int) -> list[bytes]:
    messages = inbox.messages()
    with anyio.fail_after(10):
        return [(await anext(messages)).payload for _ in range(count)]


async def test_messages_come_out_in_the_order_they_went_in() -> None:
    inbox = Inbox()
    for number in range(200):
        inbox.offer(Message("t", b"%d" % number))
    assert await take(inbox, 200) == [b"%d" % number for number in range(200)]


async def test_beyond_the_number_it_sheds_the_newest_with_a_count() -> None:
    inbox = Inbox(messages=2)
    assert [inbox.offer(Message("t", b"%d" % number)) for number in range(5)] == [True, True, *[False] * 3]
    assert inbox.shed == 3
    assert await take(inbox, 2) == [b"0", b"1"]


async def test_beyond_the_bytes_it_sheds_with_a_count() -> None:
    inbox = Inbox(size_bytes=10)
    assert inbox.offer(Message("t", b"12345678"))
    assert not inbox.offer(Message("t", b"123"))
    assert inbox.offer(Message("t", b"12"))
    assert (inbox.shed, inbox.size_bytes) == (1, 10)


async def test_a_message_that_is_larger_than_the_inbox_is_shed_alone() -> None:
    inbox = Inbox(size_bytes=10)
    assert not inbox.offer(Message("t", bytes(11)))
    assert inbox.offer(Message("t", bytes(1)))


async def test_taking_a_message_makes_room() -> None:
    inbox = Inbox(messages=1)
    inbox.offer(Message("t", b"a"))
    await take(inbox, 1)
    assert inbox.offer(Message("t", b"b"))
    assert inbox.size_bytes == 1


async def test_a_reader_waits_for_the_next_message() -> None:
    inbox = Inbox()
    received: list[bytes] = []

    async def read() -> None:
        received.extend(await take(inbox, 1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.lowlevel.checkpoint()
        inbox.offer(Message("t", b"late"))
    assert received == [b"late"]


async def test_a_reader_that_never_waits_lets_the_network_have_its_turn() -> None:
    inbox = Inbox()
    for _ in range(1000):
        inbox.offer(Message("t", b""))
    turns = 0

    async def network() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(network)
        await take(inbox, 1000)
        tasks.cancel_scope.cancel()
    assert turns > 10


@given(st.lists(st.binary(max_size=20)), st.integers(1, 10), st.integers(1, 60))
def test_every_message_is_held_or_counted(payloads: list[bytes], most: int, size_bytes: int) -> None:
    inbox = Inbox(most, size_bytes)
    for payload in payloads:
        inbox.offer(Message("t", payload))
    assert len(inbox) + inbox.shed == len(payloads)
    assert len(inbox) <= most
    assert inbox.size_bytes <= size_bytes
