"""One behaviour of the link over two brokers: Mosquitto and the embedded one."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import anyio
import anyio.to_thread
import pytest

from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link, LinkDown, Message, Retry, Will
from tests.servers import Broker

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class _Mosquitto:
    def __init__(self, server: Broker) -> None:
        self._server = server
        self.url = server.url

    async def start(self) -> None:
        await anyio.to_thread.run_sync(self._server.start)

    async def stop(self) -> None:
        await anyio.to_thread.run_sync(self._server.stop)


class _Embedded:
    def __init__(self) -> None:
        self._broker = EmbeddedBroker()

    @property
    def url(self) -> str:
        return self._broker.url

    async def start(self) -> None:
        self._broker = EmbeddedBroker(port=self._broker.port)
        await self._broker.__aenter__()

    async def stop(self) -> None:
        await self._broker.__aexit__(None, None, None)


@pytest.fixture(params=["mosquitto", "embedded"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    if request.param == "mosquitto":
        yield _Mosquitto(request.getfixturevalue("mosquitto"))
        return
    embedded = _Embedded()
    await embedded.start()
    yield embedded
    await embedded.stop()


@pytest.fixture
async def topic(request: pytest.FixtureRequest) -> str:
    """A topic of this test's own: a named broker may be shared."""
    return f"e3p/v1/test/{abs(hash(request.node.name))}"


async def _soon(seconds: float) -> None:
    await anyio.sleep(min(seconds, 0.05))


@asynccontextmanager
async def running(*links: Link) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        for link in links:
            tasks.start_soon(link.run)
        for link in links:
            await link.until_connected()
        yield
        tasks.cancel_scope.cancel()


def link_to(broker: Server, name: str, *filters: str, **options: Any) -> Link:
    address = Address.parse(broker.url)
    return Link(address, client_id=name, filters=filters, retry=Retry(sleep=_soon), **options)


async def next_of(link: Link) -> Message:
    with anyio.fail_after(20):
        return await anext(link.inbox())


async def until(fact: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not fact():  # noqa: ASYNC110 - a link has no event for each fact
            await anyio.sleep(0.01)


async def test_a_retained_message_goes_only_to_those_who_ask_for_it(broker: Server, topic: str) -> None:
    """amqtt 0.12 by itself tells a new client what anybody's filters match."""
    sender, asks = link_to(broker, "sender"), link_to(broker, "asks", f"{topic}/#")
    late = link_to(broker, "late", f"{topic}/other")
    async with running(sender, asks):
        await sender.publish(f"{topic}/state", b"ready", retain=True)
        assert await next_of(asks) == Message(f"{topic}/state", b"ready", retain=False)
        async with running(late):
            await sender.publish(f"{topic}/other", b"asked for")
            assert await next_of(late) == Message(f"{topic}/other", b"asked for", retain=False)
        await sender.publish(f"{topic}/state", b"", retain=True)


async def test_a_published_message_arrives_as_it_was(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic)
    async with running(sender, reader):
        await sender.publish(topic, b"\x00\xffwatts")
        assert await next_of(reader) == Message(topic, b"\x00\xffwatts", retain=False)


async def test_messages_keep_their_order_beyond_every_window(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic)
    async with running(sender, reader):
        for number in range(500):
            await sender.publish(topic, b"%d" % number)
        with anyio.fail_after(20):
            messages = reader.inbox()
            received = [int((await anext(messages)).payload) for _ in range(500)]
    assert received == list(range(500))


async def test_a_message_without_quality_of_service_arrives_too(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic)
    async with running(sender, reader):
        await sender.publish(topic, b"ping", qos=0)
        assert (await next_of(reader)).payload == b"ping"


async def test_a_retained_message_waits_for_later_subscribers(broker: Server, topic: str) -> None:
    sender = link_to(broker, "sender")
    async with running(sender):
        await sender.publish(topic, b"ready", retain=True)
    reader = link_to(broker, "reader", topic)
    async with running(reader):
        assert await next_of(reader) == Message(topic, b"ready", retain=True)
        await reader.publish(topic, b"", retain=True)


async def test_the_will_speaks_when_a_node_is_lost(broker: Server, topic: str) -> None:
    reader = link_to(broker, "reader", topic)
    async with running(reader):
        lost = _connect_raw(broker, topic, b"lost")
        lost.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        lost.close()
        assert (await next_of(reader)).payload == b"lost"
        await reader.publish(topic, b"", retain=True)


async def test_the_links_own_will_is_retained(broker: Server, topic: str) -> None:
    reader = link_to(broker, "reader", topic)
    node = link_to(broker, "node", will=Will(topic, b"lost"))
    async with running(reader, node):
        node._client._client.socket().shutdown(socket.SHUT_RDWR)
        assert (await next_of(reader)).payload == b"lost"
    late = link_to(broker, "late", topic)
    async with running(late):
        assert await next_of(late) == Message(topic, b"lost", retain=True)
        await late.publish(topic, b"", retain=True)


async def test_the_will_is_silent_after_a_goodbye(broker: Server, topic: str) -> None:
    reader = link_to(broker, "reader", topic)
    async with running(reader):
        async with running(link_to(broker, "node", will=Will(topic, b"lost"))):
            pass
        await reader.publish(topic, b"end")
        assert (await next_of(reader)).payload == b"end"


async def test_what_was_handed_over_arrives_before_the_goodbye(broker: Server, topic: str) -> None:
    reader, node = link_to(broker, "reader", topic), link_to(broker, "node")
    async with running(reader):
        async with running(node):
            for number in range(100):
                await node.publish(topic, b"%d" % number)
        with anyio.fail_after(20):
            messages = reader.inbox()
            assert [int((await anext(messages)).payload) for _ in range(100)] == list(range(100))


async def test_a_restarted_broker_finds_the_link_subscribed_again(broker: Server, topic: str) -> None:
    greeted: list[int] = []

    async def greet(link: Link) -> None:
        greeted.append(link.connects)
        await link.publish(topic, b"hello %d" % link.connects)

    link = link_to(broker, "node", topic, on_connect=greet)
    async with running(link):
        assert (await next_of(link)).payload == b"hello 1"
        await broker.stop()
        await until(lambda: not link.connected)
        with pytest.raises(LinkDown):
            await link.publish(topic, b"lost")
        await broker.start()
        assert (await next_of(link)).payload == b"hello 2"
    assert greeted == [1, 2]


async def test_a_payload_of_megabytes_arrives_whole(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic)
    payload = bytes(range(256)) * 4 * 4096
    async with running(sender, reader):
        await sender.publish(topic, payload)
        assert (await next_of(reader)).payload == payload


async def test_a_full_inbox_sheds_with_a_count_and_the_link_lives(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic, inbox=10)
    async with running(sender, reader):
        for number in range(50):
            await sender.publish(topic, b"%d" % number)
        await until(lambda: reader.shed == 40)
        assert int((await next_of(reader)).payload) == 0
        assert reader.connected


async def test_bytes_that_are_no_mqtt_harm_nobody_else(broker: Server, topic: str) -> None:
    sender, reader = link_to(broker, "sender"), link_to(broker, "reader", topic)
    async with running(sender, reader):
        with socket.create_connection(_host(broker)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            await sender.publish(topic, b"still here")
            assert (await next_of(reader)).payload == b"still here"


def _host(broker: Server) -> tuple[str, int]:
    address = Address.parse(broker.url)
    return address.host, address.port


def _connect_raw(broker: Server, topic: str, will: bytes) -> socket.socket:
    """A client that is connected with a retained will, spoken by hand so that it can vanish."""

    def text(data: bytes) -> bytes:
        return struct.pack("!H", len(data)) + data

    body = text(b"MQTT") + bytes([4, 0b00101110]) + struct.pack("!H", 60)
    body += text(b"doomed") + text(topic.encode()) + text(will)
    client = socket.create_connection(_host(broker), timeout=10)
    client.sendall(bytes([0x10, len(body)]) + body)
    assert client.recv(4) == b"\x20\x02\x00\x00"
    return client
