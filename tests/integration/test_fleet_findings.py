"""The analyzer watches its fleet: a real store and broker, states and frames as they come from nodes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from analyzer.app import Analyzer
from analyzer.settings import AnalyzerSettings
from telemetry.contract.decode import Received
from telemetry.contract.encode import encode
from telemetry.contract.events import EVENT, Finding
from telemetry.contract.replies import State, StateName, Stored, StoredStream
from telemetry.contract.topics import FLEET_EVENT
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link
from telemetry.runtime.service import run_services
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import NODE, Maker
from tests.collecting import until

pytestmark = pytest.mark.anyio

MAKER = Maker(anchor=time.time_ns())


class Fleet:
    """The other side of the analyzer."""

    def __init__(self, address: Address, store: Store) -> None:
        self.link = Link(address, client_id="fleet", filters=[FLEET_EVENT])
        self.store = store
        self.told: list[Finding] = []

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            async for message in self.link.inbox():
                self.told.append(msgspec.json.decode(message.payload, type=Finding))

    async def state(self, name: StateName) -> None:
        said = State(state=name, boot="b1", since=0, software="1")
        await self.link.publish(f"e3p/v1/{NODE}/state", encode(said), retain=True)

    async def store_and_say(self, *frames: Received) -> None:
        await self.store.write(frames)
        streams = tuple(
            StoredStream(
                boot=r.key.boot, stream=r.key.stream, through=-1, ranges=((r.frame.seq, r.frame.seq),)
            )
            for r in frames
        )
        await self.link.publish(f"e3p/v1/{NODE}/stored", encode(Stored(streams=streams)))

    def kinds(self) -> list[tuple[str, bool]]:
        return [(finding.kind, finding.lasts) for finding in self.told]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def watched(store: Store) -> AsyncIterator[Fleet]:
    async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
        address = Address.parse(broker.url)
        fleet = Fleet(address, store)
        tasks.start_soon(fleet.run)
        analyzer = Analyzer(AnalyzerSettings(sweep_s=0.5, silent_s=1.0), store, address)
        tasks.start_soon(lambda: run_services(analyzer.services, stop=anyio.Event()))
        await fleet.link.until_connected()
        await analyzer.until_ready()
        yield fleet
        tasks.cancel_scope.cancel()


async def test_a_node_that_falls_silent_is_told_of_and_so_is_its_return(store: SqliteStore) -> None:
    async with watched(store) as fleet:
        await fleet.state("ready")
        await fleet.store_and_say(MAKER.manifest())
        await until(lambda: fleet.kinds() == [("silent", True)])
        await fleet.store_and_say(MAKER.health(0, 1, throttle=()))
        await until(lambda: fleet.kinds()[1:] == [("silent", False), ("back", False)])
    begun, ended, _ = fleet.told
    assert (begun.id, ended.revision) == (ended.id, 2)
    assert len(await store.latest(EVENT)) == 2


async def test_a_device_that_throttles_is_told_of_once(store: SqliteStore) -> None:
    async with watched(store) as fleet:
        await fleet.store_and_say(MAKER.manifest())
        for seq in range(5):
            await fleet.store_and_say(MAKER.health(seq, 10 * (seq + 1), throttle=("cpu",)))
        await until(lambda: fleet.kinds() == [("throttled", True)])
    (finding,) = fleet.told
    assert (finding.node, finding.device, finding.severity) == (NODE, "jetson-tx2", "warning")
    assert finding.words == "tx2 slows itself down: cpu"
