"""One seeded story of a small fleet, and what the ledger says at its end.

Three nodes work alone until their spools overflow, come home, restart half-way, and are cut off again with
frames left. Frames come twice, late and disordered, a few as poison. At most one is taken away.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import anyio

from collector.desk import Desk, Times
from collector.events import Events
from collector.intake import Intake
from collector.metrics import Metrics
from collector.replies import Replies
from collector.settings import CollectorSettings
from collector.writer import Writer
from telemetry.contract.documents import LedgerRow
from telemetry.contract.frames import StreamKey
from telemetry.contract.ledger import lost_of
from telemetry.store.books import read_ledger
from telemetry.store.interface import Store
from telemetry.store.open import opened_store
from tests.ledger.device import Device
from tests.ledger.removal import FROM_QUARANTINE, FROM_SPOOL, FROM_STORE, Site, remove
from tests.ledger.wire import Key, Wire

NODES = ("north", "south", "west")
SETTINGS = CollectorSettings(batch_age_s=0.002, acks_per_s=1000.0)
POISON = 6
FLAP_S = 0.02
WAIT_S = 60.0


class Outcome(NamedTuple):
    """What was taken away, and what the ledger says."""

    site: Site | None
    taken: Key | None
    url: str
    rows: list[LedgerRow]
    made: dict[StreamKey, int]

    @property
    def faults(self) -> list[str]:
        """Where the ledger is wrong, in words: nothing, if it names exactly what was taken."""
        named = set(missing(self.rows))
        right = {self.taken} if self.taken else set()
        said = {StreamKey(row.node, row.boot, row.stream): row.made_count for row in self.rows}
        words = [] if self.taken or self.site is None else [f"nothing was taken from the {self.site}"]
        words += [f"not named: {key}" for key in right - named]
        words += [f"falsely named: {key}" for key in named - right]
        words += [
            f"made of {key}: {said.get(key)}, not {count}"
            for key, count in self.made.items()
            if said.get(key) != count
        ]
        words += [f"ticks are off by {row.ticks_off}: {row}" for row in self.rows if row.ticks_off]
        return words


def missing(rows: Iterable[LedgerRow]) -> list[Key]:
    """Every key that the ledger names."""
    return [
        Key(StreamKey(row.node, row.boot, row.stream), seq)
        for row in rows
        for first, last in row.missing
        for seq in range(first, last + 1)
    ]


async def play(seed: int, site: Site | None, folder: Path) -> Outcome:
    """The story of this seed; `site` is where one frame is taken away."""
    chance = random.Random(seed)
    wire = Wire(chance)
    devices = [Device(node, folder, wire, chance) for node in NODES]
    url = f"sqlite:///{folder / 'e3p.db'}"
    async with opened_store(url) as store, anyio.create_task_group() as tasks:
        with anyio.fail_after(WAIT_S):
            for device in devices:
                await device.start(tasks)
                await device.work(chance.randrange(4, 12))
            _plan(wire, devices, chance, site)
            async with _collecting(wire, store):
                await _come_home(wire, devices, tasks, chance)
                await _be_cut_off(wire, devices, chance)
                for device in devices:
                    await device.stop()
                taken = wire.swallowed
                if site in ("spool", "store", "quarantine"):
                    taken = await _take_away(site, devices, store, folder, chance)
                for device in devices:
                    await device.start(tasks)
                await _tell(devices)
                for device in devices:
                    await device.stop()
    async with opened_store(url, create=False) as store:
        rows = await read_ledger(store)
    return Outcome(site, taken, url, rows, {key: n for device in devices for key, n in device.made.items()})


@asynccontextmanager
async def _collecting(wire: Wire, store: Store) -> AsyncIterator[None]:
    """The real collector's parts on the wire; left, it stops as the program does."""
    desk = Desk(SETTINGS, Times(time.time_ns, time.monotonic), Metrics())
    replies = Replies(wire, desk)
    writer = Writer(store, desk, replies.announce)
    async with anyio.create_task_group() as tasks:
        intake = Intake(wire, store, desk, Events(wire, store, desk).two_boots)
        for service in (replies, writer, intake):
            tasks.start_soon(service.run)
        yield
        tasks.cancel_scope.cancel()


def _plan(wire: Wire, devices: list[Device], chance: random.Random, site: Site | None) -> None:
    """Chooses what the wire will spoil and swallow, among the half of the frames that is sent in any case."""
    half = sum(len(device.held()) for device in devices) // 2
    at, *spoil_at = chance.sample(range(half), POISON + 1)
    wire.spoil_at = frozenset(spoil_at)
    wire.swallow_at = at if site == "broker" else None
    for node in NODES:
        wire.put(f"e3p/v1/{node}/power/main", b"\xc1 nobody's")


async def _come_home(
    wire: Wire, devices: list[Device], tasks: anyio.abc.TaskGroup, chance: random.Random
) -> None:
    """All is delivered, over a restart of one node with frames on their way."""
    for device in devices:
        device.plug()
    again = chance.choice(devices)
    await anyio.sleep(chance.random() * 0.02)
    await again.stop()
    await again.start(tasks)
    await again.work(2)
    for device in devices:
        await device.report()
    await _until(devices, lambda: not any(device.held() for device in devices))


async def _be_cut_off(wire: Wire, devices: list[Device], chance: random.Random) -> None:
    """Frames are made that do not get through; the reports of them do."""
    wire.narrow = True
    for device in devices:
        await device.work(chance.randrange(1, 4))
        await device.report()
    await _until_told(devices)


async def _take_away(
    site: Site, devices: list[Device], store: Store, folder: Path, chance: random.Random
) -> Key:
    """Deletes the row of a frame that has no other place."""
    places = await _places(store)
    if site == "spool":
        key = chance.choice(sorted(key for device in devices for key in device.held()))
        remove(folder / f"{key.stream.node}.spool", FROM_SPOOL, key)
    else:
        key = chance.choice(sorted(places[site]))
        remove(folder / "e3p.db", {"store": FROM_STORE, "quarantine": FROM_QUARANTINE}[site], key)
    return key


async def _places(store: Store) -> dict[Site, set[Key]]:
    """The frames that are in the store alone, and in quarantine alone.

    A frame may also be declared lost: it was stored, its node restarted before it heard so, and gave it up.
    """
    alone: dict[Site, set[Key]] = {"store": set(), "quarantine": set()}
    for account in await store.accounts():
        lost = lost_of(account.report.health if account.report else None)
        alone["store"] |= {Key(account.key, seq) for seq in account.stored - account.dead - lost}
        alone["quarantine"] |= {Key(account.key, seq) for seq in account.dead - account.stored - lost}
    return alone


async def _tell(devices: list[Device]) -> None:
    """The restarted nodes report, as they do every few seconds."""
    for device in devices:
        device.plug()
        await device.report()
    await _until_told(devices)


async def _until_told(devices: list[Device]) -> None:
    await _until(devices, lambda: not any(_reports(device.held()) for device in devices))


def _reports(keys: Iterable[Key]) -> list[Key]:
    return [key for key in keys if key.stream.stream.startswith("health/")]


async def _until(devices: list[Device], fact: Callable[[], bool]) -> None:
    """Waits; what got lost on the wire is sent again because the connection is made again."""
    while not fact():
        await anyio.sleep(FLAP_S)
        for device in devices:
            device.unplug()
            device.plug()
