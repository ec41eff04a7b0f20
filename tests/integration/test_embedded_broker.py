from __future__ import annotations

import logging
import socket
import threading

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link

pytestmark = pytest.mark.anyio


async def send(url: str, *topics: str) -> None:
    link = Link(Address.parse(url), client_id="sender")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for topic in topics:
            await link.publish(topic, b"x")
        tasks.cancel_scope.cancel()


async def test_it_listens_on_loopback_on_a_free_port() -> None:
    async with EmbeddedBroker() as broker:
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        assert broker.port > 0


async def test_its_end_leaves_no_thread_and_no_port() -> None:
    before = {*threading.enumerate()}
    async with EmbeddedBroker() as broker:
        await send(broker.url, "t")
        port = broker.port
    assert not [thread for thread in {*threading.enumerate()} - before if thread.name == "broker"]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


async def test_it_ends_while_a_client_that_never_spoke_is_still_connected() -> None:
    with anyio.fail_after(20):
        async with EmbeddedBroker() as broker:
            silent = socket.create_connection(("127.0.0.1", broker.port))
        silent.close()


async def test_a_taken_port_is_refused_with_its_address() -> None:
    async with EmbeddedBroker() as broker:
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{broker.port}"):
            await EmbeddedBroker(port=broker.port).__aenter__()


async def test_messages_are_counted_by_topic_where_it_is_asked_for() -> None:
    async with EmbeddedBroker(count=True) as broker:
        await send(broker.url, "a", "b", "a")
        with anyio.fail_after(20):
            while sum(broker.messages_by_topic().values()) < 3:  # noqa: ASYNC110 - it counts in its own time
                await anyio.sleep(0.01)
        assert broker.messages_by_topic() == {"a": 2, "b": 1}


async def test_nothing_is_counted_where_it_is_not_asked_for() -> None:
    async with EmbeddedBroker() as broker:
        await send(broker.url, "a")
        assert broker.messages_by_topic() == {}


async def test_it_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with EmbeddedBroker() as broker:
        await send(broker.url, "a")
        with socket.create_connection(("127.0.0.1", broker.port)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", broker.port)) as stranger:
            stranger.sendall(b"\x10\x02\x00\x00")
    assert not [r for r in caplog.records if r.name.startswith(("amqtt", "transitions", "asyncio"))]
