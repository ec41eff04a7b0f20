"""SIGTERM, as systemd and Docker send it: what is gathered is written and acknowledged; the exit is 0."""

from __future__ import annotations

import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.topics import every_node, parse_node_topic
from telemetry.runtime.mqtt import Address, Link, Message
from telemetry.store.open import opened_store
from tests.collecting import told
from tests.processes import Line, Program
from tests.servers import Broker
from tests.verdicts import assert_all_stored, assert_closed

pytestmark = pytest.mark.anyio

Settled = dict[StreamKey, IntervalSet]


class Ear:
    """Hears every `stored` message of a broker."""

    def __init__(self, url: str) -> None:
        self.messages: list[Message] = []
        self._link = Link(Address.parse(url), client_id="ear", filters=[every_node("stored")])

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async def take() -> None:
            async for message in self._link.inbox():
                self.messages.append(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            tasks.start_soon(take)
            await self._link.until_connected()
            yield
            await anyio.sleep(0.2)  # what the broker has taken reaches us as well
            tasks.cancel_scope.cancel()

    def told(self, key: StreamKey) -> IntervalSet:
        """All that was said to be settled of one sequence."""
        of_node = [each for each in self.messages if parse_node_topic(each.topic) == (key.node, "stored")]
        return told(of_node, key)


async def stored(line: Line) -> Settled:
    async with opened_store(line.store, create=False) as store:
        return {account.key: account.stored for account in await store.accounts()}


async def under_load(line: Line) -> Program:
    """A fleet that sends, once frames are being stored."""
    fleet = line.run("simulate", "fleet", "--nodes", "20", "--seconds", "60", "--mqtt", line.mqtt or "")
    await fleet.says(re.compile(r" [1-9][\d,]* stored"))
    return fleet


@pytest.mark.parametrize("command", ["collect", "serve"])
async def test_a_collector_under_load_acknowledges_all_that_it_has_written(
    mosquitto: Broker, tmp_path: Path, command: str
) -> None:
    ear = Ear(mosquitto.url)
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        server = await (line.part("collect") if command == "collect" else line.serve(mosquitto.url))
        async with ear.listening():
            fleet = await under_load(line)
            assert await server.interrupt(signal.SIGTERM) == 0
        held = await stored(line)
        assert sum(map(len, held.values())) > 0
        assert {key: ear.told(key) for key in held} == held
        fleet.kill()


async def test_a_collector_whose_store_is_away_ends_in_time_and_loses_nothing(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        server = await line.part("collect")
        fleet = await under_load(line)
        with closing(sqlite3.connect(tmp_path / "e3p.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await anyio.sleep(0.5)
            assert await server.interrupt(signal.SIGTERM) == 0
        await line.part("collect")
        assert await fleet.interrupt(signal.SIGTERM) == 0  # it ends its run, and has all of it acknowledged
        assert_closed(line)


async def test_an_agent_hands_over_all_it_has_and_the_analyzer_just_ends(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        analyzer = await line.part("analyze")
        agent = await line.edge()
        await anyio.sleep(2.0)
        assert await agent.interrupt(signal.SIGTERM) == 0
        assert await analyzer.interrupt(signal.SIGTERM) == 0
        assert await server.interrupt(signal.SIGTERM) == 0
        assert_all_stored(line)
