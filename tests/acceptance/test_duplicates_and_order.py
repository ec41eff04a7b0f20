"""Duplicates, reordering, poison and restarts through a real broker: every frame is stored once, and told."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from collector.app import Collector
from collector.settings import CollectorSettings
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import Encoding, encode
from telemetry.contract.frames import PowerFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row
from telemetry.contract.replies import Ping, Pong
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link, LinkDown, Message
from telemetry.runtime.service import run_services
from telemetry.store.sqlite import SqliteStore
from tests.collecting import BOOT, KEY, NODE, TOPIC, health, payload, power, stream_health, told, until

pytestmark = pytest.mark.anyio

FRAMES = 120
ALL = IntervalSet.below(FRAMES)


@pytest.fixture(params=["mosquitto", "embedded"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Where the broker is: a Mosquitto, or the embedded one."""
    if request.param == "mosquitto":
        yield request.getfixturevalue("mosquitto").url
        return
    async with EmbeddedBroker() as broker:
        yield broker.url


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def collecting(url: str, store: SqliteStore) -> AsyncIterator[Collector]:
    """A collector at work on a broker."""
    collector = Collector(CollectorSettings(), store, Address.parse(url))
    stop = anyio.Event()

    async def run() -> None:
        await run_services(collector.services, stop=stop)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await collector.link.until_connected()
        await collector.time_link.until_connected()
        yield collector
        stop.set()


class Node:
    """The wire end of a node: it sends, and keeps what it was told."""

    def __init__(self, url: str) -> None:
        filters = [f"e3p/v1/{NODE}/stored", f"e3p/v1/{NODE}/pong", "e3p/v1/dead"]
        self.link = Link(Address.parse(url), client_id=f"{NODE}-{BOOT}", filters=filters)
        self.heard: list[Message] = []

    async def listen(self) -> None:
        async for message in self.link.inbox():
            self.heard.append(message)

    def told(self) -> IntervalSet:
        return told([message for message in self.heard if message.topic.endswith("/stored")])

    def on(self, name: str) -> list[bytes]:
        return [message.payload for message in self.heard if message.topic.endswith(f"/{name}")]

    async def deliver(self, bodies: dict[int, bytes]) -> None:
        """Sends again and again what is not covered yet, as a node does, only faster."""
        with anyio.fail_after(60):
            while missing := [seq for seq in bodies if seq not in self.told()]:
                for seq in missing:
                    try:
                        await self.link.publish(TOPIC, bodies[seq])
                    except LinkDown:
                        break
                with anyio.move_on_after(1.0):
                    await until(lambda: not [seq for seq in bodies if seq not in self.told()])


@pytest.fixture
async def node(url: str) -> AsyncIterator[Node]:
    one = Node(url)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.link.run)
        tasks.start_soon(one.listen)
        await one.link.until_connected()
        yield one
        tasks.cancel_scope.cancel()


async def stored(store: SqliteStore) -> list[PowerFrame]:
    frames = await store.frames(KEY, ALL)
    return [frame for _, frame in frames if isinstance(frame, PowerFrame)]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_frames_in_any_order_and_several_times_are_stored_once(
    url: str, store: SqliteStore, node: Node, encoding: Encoding
) -> None:
    chance = random.Random(3)
    sent = [seq for seq in range(FRAMES) for _ in range(chance.randrange(1, 4))]
    chance.shuffle(sent)
    async with collecting(url, store):
        for seq in sent:
            await node.link.publish(TOPIC, payload(seq, encoding))
        await until(lambda: not ALL - node.told())
    assert await stored(store) == [power(seq) for seq in range(FRAMES)]


async def test_either_encoding_of_a_frame_is_the_same_frame(url: str, store: SqliteStore, node: Node) -> None:
    async with collecting(url, store) as collector:
        for encoding in ("msgpack", "json"):
            await node.deliver({seq: payload(seq, encoding) for seq in range(20)})
            node.heard.clear()
        assert collector.desk.metrics.registry.get_sample_value("e3p_collector_frames_total") == 20
    assert not await store.letters()


async def test_a_storm_of_poison_takes_nothing_from_the_good_frames(
    url: str, store: SqliteStore, node: Node
) -> None:
    noise = random.Random(11)
    poison = [bytes([0xC1]) + noise.randbytes(40) for _ in range(FRAMES)]
    async with collecting(url, store):
        for seq in range(FRAMES):
            await node.link.publish(noise.choice([TOPIC, f"e3p/v1/{NODE}/nonsense"]), poison[seq])
            await node.link.publish(TOPIC, payload(seq))
        await until(lambda: not ALL - node.told())
        await until(lambda: len(node.on("dead")) == FRAMES)
    assert sorted(letter.body or b"" for letter in await store.letters()) == sorted(poison)
    assert len(await stored(store)) == FRAMES


async def test_a_collector_restarted_in_the_middle_loses_nothing(
    url: str, store: SqliteStore, node: Node
) -> None:
    bodies = {seq: payload(seq) for seq in range(FRAMES)}
    async with collecting(url, store):
        for seq in range(0, FRAMES, 2):
            await node.link.publish(TOPIC, bodies[seq])
        await until(node.told)
    for seq in range(FRAMES):
        await node.link.publish(TOPIC, bodies[seq])
    async with collecting(url, store):
        await node.deliver(bodies)
    assert len(await stored(store)) == FRAMES


async def test_the_ledger_closes_over_late_dead_and_lost_frames(
    url: str, store: SqliteStore, node: Node
) -> None:
    good = {seq: payload(seq) for seq in range(30) if seq not in {7, 8, 9}}
    report = health(0, stream_health(30, declared_lost=((8, 9, 8),), ticks=120, final=True))
    async with collecting(url, store):
        await node.link.publish(f"e3p/v1/{NODE}/health/agent", encode(report))
        await node.deliver(dict(reversed(good.items())))
        await node.link.publish(TOPIC, payload(7, v=2))
        await until(lambda: 7 in node.told())
    (account,) = [each for each in await store.accounts() if each.key == KEY]
    row = ledger_row(account)
    assert row.closed
    assert (row.made_count, row.stored_count, row.dead, row.lost) == (30, 27, [[7, 7]], [[8, 9]])


async def test_a_ping_is_answered_with_the_collector_s_time(url: str, store: SqliteStore, node: Node) -> None:
    async with collecting(url, store) as collector:
        before = collector.desk.times.utc_ns()
        ping = encode(Ping(id=5, t1=before))
        await node.link.publish(f"e3p/v1/{NODE}/ping", ping, qos=0)
        await until(lambda: node.on("pong"))
        pong = decode_message(node.on("pong")[0], Pong)
        assert (pong.id, pong.t1) == (5, before)
        assert before <= pong.t2 <= pong.t3


async def test_a_ping_with_a_wrong_clock_marks_the_node(url: str, store: SqliteStore, node: Node) -> None:
    async with collecting(url, store) as collector:
        await node.link.publish(f"e3p/v1/{NODE}/ping", encode(Ping(id=1, t1=5)), qos=0)
        await until(lambda: collector.desk.clocks.bad == {NODE})
        await node.link.publish(f"e3p/v1/{NODE}/ping", b"\xc1", qos=0)
        await until(lambda: node.on("dead"))


async def test_a_message_of_50_mb_is_a_letter_and_the_line_goes_on(
    url: str, store: SqliteStore, node: Node
) -> None:
    async with collecting(url, store):
        await node.link.publish(TOPIC, bytes(50_000_000))
        await node.deliver({0: payload(0)})
        await until(lambda: node.on("dead"))
    (letter,) = await store.letters()
    assert letter.reason.startswith("size payload: 50000000 bytes")
