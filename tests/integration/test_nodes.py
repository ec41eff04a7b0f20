"""`e3p node`: who is on the list, and how a node leaves it and comes back."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from e3p.retained import clear, read_states
from e3p.roll import forget, read_roll
from telemetry.contract.encode import encode
from telemetry.contract.frames import ClockFrame, Exchange, ManifestFrame, StreamKey
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.replies import State
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.commands import e3p
from tests.contracts.store.builders import ANCHOR, S, came, health, power, word

pytestmark = pytest.mark.anyio

READY = State(state="ready", boot="b1", since=ANCHOR, software="e3p 9")
MAIN = StreamInfo(
    stream="main", sensor="s", channels=("total", "gpu"), total="total", origin="synthetic", period_ms=250.0
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    async with EmbeddedBroker() as broker:
        yield Address.parse(broker.url)


async def speak(store: Store) -> None:
    """A node that made five frames: three are stored, one is in its spool, one is nowhere."""
    manifest = ManifestFrame(
        v=1, boot="b1", seq=0, anchor=ANCHOR, t0=0, os_boot="o", device=Device(kind="jetson-tx2"),
        software="e3p 1", hash="h", streams=(MAIN,),
    )  # fmt: skip
    pings = (Exchange(t1=S, t2=ANCHOR + 3 * S, t3=ANCHOR + 3 * S, t4=2 * S),)
    clock = ClockFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=2 * S, peer="collector", exchanges=pings)
    await store.write(
        [
            *(power(seq) for seq in range(3)),
            health(0, word(5, spooled=((3, 3),)), t0=9 * S),
            came(StreamKey("tx2", "b1", "manifest/node"), manifest),
            came(StreamKey("tx2", "b1", "clock/collector"), clock),
        ]
    )


async def retain(address: Address, node: str, state: State = READY) -> None:
    link = Link(address, client_id="test")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for kind in ("state", "about"):
            await link.publish(f"e3p/v1/{node}/{kind}", encode(state), retain=True)
        tasks.cancel_scope.cancel()


async def test_an_entry_tells_what_store_and_broker_know(store: Store) -> None:
    await speak(store)
    (entry,) = await read_roll(store, {"tx2": READY}, 0)
    assert (entry.node, entry.state, entry.device, entry.software) == ("tx2", "ready", "jetson-tx2", "e3p 9")
    assert (entry.boots, entry.spooled, entry.missing) == (1, 1, 1)
    assert entry.last_seen == ANCHOR + 9 * S
    assert entry.clock_ms == 1500.0


async def test_without_the_broker_the_state_is_unknown_and_the_rest_is_there(store: Store) -> None:
    await speak(store)
    (entry,) = await read_roll(store, {}, 0)
    assert (entry.state, entry.software) == (None, "e3p 1")


async def test_a_node_that_only_the_broker_knows_is_on_the_list(store: Store) -> None:
    (entry,) = await read_roll(store, {"new": READY}, 0)
    assert (entry.node, entry.made, entry.last_seen) == ("new", 0, None)


async def test_a_forgotten_node_leaves_the_list_and_its_data_stays(store: Store) -> None:
    await speak(store)
    await forget(store, (await read_roll(store, {}, 0))[0], now_ns=1)
    assert await read_roll(store, {}, 0) == []
    assert {account.key.node for account in await store.accounts()} == {"tx2"}


async def test_a_forgotten_node_that_speaks_again_comes_back_and_can_be_forgotten_again(store: Store) -> None:
    await speak(store)
    await forget(store, (await read_roll(store, {}, 0))[0], now_ns=1)
    await store.write([power(5)])
    (entry,) = await read_roll(store, {}, 0)
    await forget(store, entry, now_ns=2)
    assert await read_roll(store, {}, 0) == []
    assert [entry.state for entry in await read_roll(store, {"tx2": READY}, 0)] == ["ready"]


async def test_what_the_broker_keeps_of_a_forgotten_node_is_cleared(address: Address) -> None:
    await retain(address, "tx2")
    await retain(address, "other")
    assert set(await read_states(address)) == {"tx2", "other"}
    await clear(address, ["tx2"])
    assert set(await read_states(address)) == {"other"}


async def test_a_state_that_cannot_be_read_hides_no_other(address: Address) -> None:
    await retain(address, "good")
    link = Link(address, client_id="test")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        await link.publish("e3p/v1/bad/state", b"\xc1", retain=True)
        tasks.cancel_scope.cancel()
    assert set(await read_states(address)) == {"good"}


async def test_the_commands_list_and_forget_by_pattern(
    store: SqliteStore, address: Address, tmp_path: Path
) -> None:
    await speak(store)
    await retain(address, "tx2")
    await retain(address, "orin")
    where = ["--store", f"sqlite:///{tmp_path / 'e3p.db'}", "--mqtt", address.url]

    async def node(*words: str) -> bytes:
        return (await anyio.run_process([sys.executable, "-m", "e3p", "node", *words, *where])).stdout

    listed = json.loads(await node("list", "--json"))["nodes"]
    assert [entry["node"] for entry in listed] == ["orin", "tx2"]
    assert b"comes back unless its agent is stopped" in await node("forget", "t*")
    assert b"tx2" not in await node("list")


def test_a_name_that_is_not_on_the_list_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async def refused() -> None:
        async with EmbeddedBroker() as broker:
            store = SqliteStore(tmp_path / "e3p.db")
            await store.open()
            await speak(store)
            await store.close()
            where = ["--store", f"sqlite:///{tmp_path / 'e3p.db'}", "--mqtt", broker.url]
            said = await anyio.run_process(
                [sys.executable, "-m", "e3p", "node", "forget", "nobody", *where], check=False
            )
            assert said.returncode == 2
            assert b"'nobody': no node on the list is called so; there are tx2" in said.stderr

    anyio.run(refused)


def test_forgetting_without_a_broker_is_refused(tmp_path: Path) -> None:
    where = ["--store", f"sqlite:///{tmp_path / 'e3p.db'}", "--mqtt", "mqtt://127.0.0.1:1"]
    anyio.run(_made, tmp_path / "e3p.db")
    assert "no broker answers" in e3p("node", "forget", "x", *where).err
    listed = e3p("node", "list", *where)
    assert listed.status == 0
    assert "states are unknown" in listed.err


async def _made(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.close()
