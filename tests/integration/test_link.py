"""The link lives through whatever a broker does: spoken here by hand, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.runtime import mqtt
from telemetry.runtime.mqtt import Address, Link, LinkDown, Retry
from telemetry.runtime.service import run_services

pytestmark = pytest.mark.anyio

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ACCEPTED, NOT_AUTHORISED = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"
SUBSCRIBED, DENIED = b"\x00", b"\x80"


def publish(topic: bytes, payload: bytes) -> bytes:
    body = struct.pack("!H", len(topic)) + topic + payload
    return bytes([0x30, len(body)]) + body


async def packet(reader: asyncio.StreamReader) -> bytes:
    kind, length = await reader.readexactly(2)
    return bytes([kind]) + await reader.readexactly(length)


async def accept(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, code: bytes = SUBSCRIBED
) -> None:
    """Takes a client's CONNECT and its one SUBSCRIBE."""
    await packet(reader)
    writer.write(ACCEPTED)
    subscribe = await packet(reader)
    writer.write(b"\x90\x03" + subscribe[1:3] + code)


class Waits:
    """Stands in for the sleep between two tries: writes them down, and takes no time."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await anyio.sleep(0.001)

    async def until(self, count: int) -> None:
        with anyio.fail_after(20):
            while len(self.seconds) < count:  # noqa: ASYNC110 - the link waits for nobody
                await anyio.sleep(0.01)


@asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[Address]:
    """A broker that treats its first client as the first script says, and so on; the last one stays."""
    left = list(scripts)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = left.pop(0) if len(left) > 1 else left[0]
        try:
            await script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()


@asynccontextmanager
async def linked(address: Address, waits: Waits, **options: object) -> AsyncIterator[Link]:
    retry = Retry(chance=lambda: 1.0, sleep=waits.sleep, clock=lambda: 0.0)
    link = Link(address, client_id="me", filters=["t"], retry=retry, **options)  # type: ignore[arg-type]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        yield link
        tasks.cancel_scope.cancel()


async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await reader.read()


async def test_without_a_broker_the_waits_double_up_to_ten_seconds() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])
        waits = Waits()
        async with linked(address, waits):
            await waits.until(8)
    assert waits.seconds[:8] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[int]]:
    """The count in each line so far that tells of a lost broker."""
    caplog.set_level("WARNING", logger="e3p")

    def tries() -> list[int]:
        lost = [record for record in caplog.records if record.getMessage() == "broker lost"]
        return [record.__dict__["facts"]["tries"] for record in lost]

    return tries


async def test_a_broker_that_stays_away_is_told_of_ever_more_seldom(told: Callable[[], list[int]]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])
        waits = Waits()
        async with linked(address, waits), linked(address, waits):
            await waits.until(40)
    assert told()[:4] == [1, 8, 16, 32]


async def test_a_broker_that_was_back_is_told_of_again(told: Callable[[], list[int]]) -> None:
    waits = Waits()
    scripts = (hang_up, hang_up, hang_up_after_accepting, hang_up, stay)
    async with scripted(*scripts) as address, linked(address, waits) as link:
        await waits.until(4)
        await link.until_connected()
    assert told()[0] == told()[-1] == 1
    assert len(told()) > 1


def test_the_waits_are_spread_by_chance() -> None:
    assert Retry(chance=lambda: 0.0).wait_s(3) == 0.5 * Retry(chance=lambda: 1.0).wait_s(3)


async def test_publishing_without_a_connection_is_refused_at_once() -> None:
    link = Link(Address("127.0.0.1", 1), client_id="me")
    with pytest.raises(LinkDown):
        await link.publish("t", b"")


async def test_wrong_credentials_are_tried_again_but_slower() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(NOT_AUTHORISED)

    waits = Waits()
    async with scripted(refuse, refuse, stay) as address, linked(address, waits) as link:
        await link.until_connected()
    assert waits.seconds == [30.0, 30.0]


async def test_a_denied_subscription_is_tried_again_but_slower() -> None:
    async def deny(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer, DENIED)
        await reader.read()

    waits = Waits()
    async with scripted(deny, stay) as address, linked(address, waits) as link:
        await link.until_connected()
    assert waits.seconds == [30.0]


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hang_up_after_accepting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await writer.drain()


async def talk_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.read()


async def talk_nonsense_after_accepting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(b"\xff\xff\xff\xff\xff\xff")
    await reader.read()


async def publish_to_no_topic(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(publish(b"t/+/#", b"x"))
    await reader.read()


async def publish_to_a_topic_that_is_no_text(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await accept(reader, writer)
    writer.write(publish(b"\xff\xfe", b"x"))
    await reader.read()


@pytest.mark.parametrize(
    "trouble",
    [
        hang_up,
        hang_up_after_accepting,
        talk_nonsense,
        talk_nonsense_after_accepting,
        publish_to_no_topic,
        publish_to_a_topic_that_is_no_text,
    ],
)
async def test_whatever_the_broker_does_the_link_comes_back(
    trouble: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.2)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        writer.write(publish(b"t", b"all well"))
        await reader.read()

    waits = Waits()
    async with scripted(trouble, behave) as address, linked(address, waits) as link:
        with anyio.fail_after(20):
            assert (await anext(link.inbox())).payload == b"all well"


async def test_a_broker_that_never_answers_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.1)

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    waits = Waits()
    async with scripted(be_silent, stay) as address, linked(address, waits) as link:
        with anyio.fail_after(20):
            await link.until_connected()
    assert waits.seconds == [0.2]


async def test_publishing_waits_when_the_broker_acknowledges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "GOODBYE_S", 0.1)
    waits = Waits()
    async with scripted(stay) as address, linked(address, waits) as link:
        await link.until_connected()
        for _ in range(mqtt.WINDOW):
            await link.publish("t", b"")
        with anyio.move_on_after(0.05) as patience:
            await link.publish("t", b"")
    assert patience.cancelled_caught


async def test_publishing_that_waits_ends_with_the_connection() -> None:
    close = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await close.wait()

    async with scripted(hold, stay) as address, linked(address, Waits()) as link:
        await link.until_connected()
        for _ in range(mqtt.WINDOW):
            await link.publish("t", b"")
        asyncio.get_running_loop().call_later(0.05, close.set)
        with pytest.raises(LinkDown), anyio.fail_after(20):
            await link.publish("t", b"")


async def test_an_error_of_on_connect_is_not_swallowed() -> None:
    async def break_down(link: Link) -> None:
        raise UserError("a fault of ours")

    async with scripted(stay) as address:
        link = Link(address, client_id="me", filters=["t"], on_connect=break_down)
        with pytest.raises(UserError, match="a fault of ours"), anyio.fail_after(20):
            await run_services([link])


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "a\0b", "a" * 70_000])
async def test_what_is_no_topic_is_refused_where_it_is_published(topic: str) -> None:
    link = Link(Address("127.0.0.1", 1), client_id="me")
    with pytest.raises(ValueError, match="not a topic"):
        await link.publish(topic, b"")


async def test_a_stopped_link_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with scripted(stay) as address, linked(address, Waits()) as link:
        await link.until_connected()
        await link.publish("t", b"", qos=0)
    await anyio.sleep(0.01)
    assert {task for task in asyncio.all_tasks() - before if "serve" not in repr(task)} == set()
