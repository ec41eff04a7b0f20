"""The simulated fleet against a real collector: what it says of itself is what the store says of it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from collector.app import Collector
from collector.settings import CollectorSettings
from e3p import fleet
from e3p.fleet import Fleet, Outcome, Plan
from e3p.watch import Watch
from edge_node import delivery
from telemetry.contract.errors import UserError
from telemetry.contract.topics import every_node
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address
from telemetry.runtime.service import alone, run_services
from telemetry.store.books import read_ledger
from telemetry.store.sqlite import SqliteStore
from tests.commands import e3p

pytestmark = pytest.mark.anyio


def plan(nodes: int = 3, seconds: float = 1.5, **more: object) -> Plan:
    return Plan(nodes, 100.0, seconds, 4, nodes, "sim")._replace(**more)


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    async with EmbeddedBroker() as broker:
        yield Address.parse(broker.url)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def collecting(store: SqliteStore, address: Address, **settings: int) -> AsyncIterator[None]:
    stop, over = anyio.Event(), anyio.Event()
    part = Collector(CollectorSettings(**settings), store, address)

    async def run() -> None:
        await run_services(part.services, stop=stop)
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await part.link.until_connected()
        yield
        stop.set()
        await over.wait()


async def ran(plan: Plan, address: Address) -> tuple[Fleet, Outcome]:
    one = Fleet(plan, address)
    with anyio.fail_after(60):
        return one, await one.run(lambda _: None)


@pytest.mark.parametrize("connections", [1, 2, 3])
async def test_every_frame_is_stored_and_the_stores_ledger_closes(
    store: SqliteStore, address: Address, connections: int
) -> None:
    async with collecting(store, address):
        _, outcome = await ran(plan(connections=connections), address)
    rows = await read_ledger(store)
    assert outcome.closed
    assert outcome.made == outcome.stored == sum(row.stored_count for row in rows) == 3 * (6 + 2)
    assert all(row.closed for row in rows)
    assert [row.ticks_off for row in rows if row.stream == "power/main"] == [0, 0, 0]


async def test_frames_that_went_to_nobody_are_sent_until_they_are_stored(
    store: SqliteStore, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_TIMEOUT_S", 0.5)
    over = anyio.Event()

    async def late() -> None:
        await anyio.sleep(1.0)
        async with collecting(store, address):
            await over.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(late)
        _, outcome = await ran(plan(seconds=2.0), address)
        over.set()
    assert outcome.closed
    assert outcome.sends > outcome.made
    assert all(row.closed for row in await read_ledger(store))


async def test_without_a_collector_every_frame_is_missing(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PATIENCE_S", 0.5)
    _, outcome = await ran(plan(), address)
    assert not outcome.closed
    assert outcome.missing == outcome.made > 0


async def test_stopped_early_it_still_delivers_what_was_made(store: SqliteStore, address: Address) -> None:
    one = Fleet(plan(seconds=600.0), address)
    async with collecting(store, address), anyio.create_task_group() as tasks:

        async def stop() -> None:
            await anyio.sleep(1.0)
            one.stop()

        tasks.start_soon(stop)
        outcome = await one.run(lambda _: None)
    assert outcome.closed
    assert all(row.closed for row in await read_ledger(store))


async def test_nothing_of_it_stays_on_the_broker(store: SqliteStore, address: Address) -> None:
    async with collecting(store, address):
        await ran(plan(), address)
    watch = Watch(address, filters=[every_node("state")])
    async with watch.listening():
        assert not await watch.until(lambda: bool(watch.states), 0.5)


async def test_a_broker_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "CONNECT_S", 0.3)
    with pytest.raises(BaseException, match=r".*") as raised:
        await ran(plan(), Address.parse("mqtt://127.0.0.1:1"))
    error = alone(raised.value)
    assert isinstance(error, UserError)
    assert "127.0.0.1:1" in str(error)


def test_a_prefix_that_is_no_name_is_refused() -> None:
    said = e3p("simulate", "fleet", "--prefix", "a/b")
    assert said.status == 2
    assert "--prefix" in said.err


async def test_the_command_answers_with_the_outcome_and_the_ledger(
    store: SqliteStore, address: Address, tmp_path: Path
) -> None:
    where = ["--mqtt", address.url, "--store", f"sqlite:///{tmp_path / 'e3p.db'}"]
    arguments = ["--nodes", "2", "--rate", "50", "--seconds", "1", *where, "--json"]
    async with collecting(store, address):
        said = await anyio.run_process([sys.executable, "-m", "e3p", "simulate", "fleet", *arguments])
    document = json.loads(said.stdout)
    assert document["closed"]
    assert document["outcome"]["stored"] == sum(row["stored_count"] for row in document["streams"]) == 12


async def test_a_store_that_has_nothing_of_it_does_not_close_the_ledger(
    store: SqliteStore, address: Address, tmp_path: Path
) -> None:
    other = SqliteStore(tmp_path / "other.db")
    await other.open()
    await other.close()
    where = ["--mqtt", address.url, "--store", f"sqlite:///{other.path}"]
    command = [sys.executable, "-m", "e3p", "simulate", "fleet", "--nodes", "1", "--seconds", "1", *where]
    async with collecting(store, address):
        said = await anyio.run_process(command, check=False)
    assert said.returncode == 1
    assert said.stdout.endswith(b"the ledger does not close: frames are missing\n")
