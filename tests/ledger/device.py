"""A node without sensors: the real recorder, spool, delivery and publisher, and frames made up by chance."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from edge_node.boots import Boot
from edge_node.publisher import Publisher
from edge_node.recorder import Recorder, Stamp
from edge_node.spool import Spool
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.frames import (
    ClockFrame,
    Exchange,
    HealthFrame,
    ManifestFrame,
    MarksFrame,
    PowerFrame,
    StreamKey,
)
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.manifest import Device as Board
from telemetry.contract.manifest import StreamInfo
from tests.ledger.wire import Key, Plug, Wire

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from telemetry.contract.encode import Encoding
    from telemetry.contract.replies import Stored

SPOOL_BYTES = 12_000
"""So little that a node that is alone for long has to give frames up."""
TICK_NS = 1_000_000
CHANNELS = ("total", "gpu")


class Device:
    """One node. `start` begins a boot, `stop` ends it as a kill would: without a last word."""

    def __init__(self, node: str, folder: Path, wire: Wire, chance: random.Random) -> None:
        self.node = node
        self.path = folder / f"{node}.spool"
        self.made: dict[StreamKey, int] = {}
        self._wire = wire
        self._chance = chance
        self._encoding: Encoding = chance.choice(["msgpack", "json"])
        self._boots = 0
        self._now_ns = chance.randrange(10**12)
        self._plug = Plug(wire)
        self._answers: list[Stored] = []
        self._answered = anyio.Event()

    async def start(self, tasks: TaskGroup) -> None:
        """A new boot on the same spool."""
        self._boots += 1
        boot = Boot(f"boot{self._boots}", 10**18 + self._boots, "kernel")
        self._spool = Spool(self.path, SPOOL_BYTES)
        self.recorder = Recorder(self._spool, boot, self._encoding)
        self._publisher = Publisher(self._plug, self.recorder, self.node)  # type: ignore[arg-type]
        self._answers = []
        self._wire.answers[self.node] = self._hear
        self._life = anyio.CancelScope()
        tasks.start_soon(self._live, self._life)
        await self._put("manifest/agent", _manifest)

    async def stop(self) -> None:
        """The agent is gone; its file stays."""
        self._life.cancel()
        self.unplug()
        await self._ended.wait()
        self._spool.close()

    def plug(self) -> None:
        """The line is there: what was in flight is due at once."""
        self._plug.connected = True
        self.recorder.delivery.reconnected()
        self._publisher.wake()

    def unplug(self) -> None:
        """The line is gone."""
        self._plug.connected = False

    async def work(self, rounds: int) -> None:
        """Makes frames of every kind, and a report now and then."""
        for _ in range(rounds):
            for _ in range(self._chance.randrange(1, 5)):
                await self._power("power/main")
            if self._chance.random() < 0.5:
                await self._power("power/board")
            if self._chance.random() < 0.5:
                await self._put("marks/app", _marks)
            if self._chance.random() < 0.3:
                await self._put("clock/collector", _clock)
            if self._chance.random() < 0.4:
                await self.report()

    async def report(self) -> None:
        """A health frame: the node's own account of all its boots."""
        self._now_ns += TICK_NS
        self.recorder.put_health(self._now_ns, self._health)
        await self._commit()

    def held(self) -> set[Key]:
        """The frames that the node knows it still has."""
        report = self.recorder.accounts.report(self.recorder.boot.id)
        return {
            Key(StreamKey(self.node, said.boot, said.stream), seq)
            for said in report
            for seq in IntervalSet(said.spooled)
        }

    async def _live(self, life: anyio.CancelScope) -> None:
        self._ended = anyio.Event()
        try:
            with life:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._publisher.run)
                    tasks.start_soon(self._settle)
        finally:
            self._ended.set()

    def _hear(self, stored: Stored) -> None:
        self._answers.append(stored)
        self._answered.set()

    async def _settle(self) -> None:
        while True:
            self._answered = anyio.Event()
            while self._answers:
                await self.recorder.settle(self._answers.pop(0))
                self._publisher.wake()
            await self._answered.wait()

    async def _power(self, stream: str) -> None:
        samples, missed = self._chance.randrange(20), self._chance.randrange(3)
        await self._put(stream, partial(_power, samples, missed), samples + missed)

    async def _put(self, stream: str, make: object, ticks: int = 0) -> None:
        self._now_ns += 100 * TICK_NS
        self.recorder.put(stream, self._now_ns, make, ticks)  # type: ignore[arg-type]
        if self._chance.random() < 0.3:
            await self._commit()

    async def _commit(self) -> None:
        """A frame counts as made once it is on the disk: what a kill takes before that never was."""
        assert await self.recorder.commit()
        for said in self.recorder.accounts.report(self.recorder.boot.id):
            self.made[StreamKey(self.node, said.boot, said.stream)] = said.next_seq
        self._publisher.wake()

    def _health(self, stamp: Stamp) -> HealthFrame:
        return HealthFrame(**stamp._asdict(), streams=self.recorder.accounts.report(stamp.boot))


def _power(samples: int, missed: int, stamp: Stamp) -> PowerFrame:
    dt, watts = [at * TICK_NS for at in range(samples)], [5.0] * samples * len(CHANNELS)
    columns = {"dt": pack_dt(dt), "w": pack("f", watts)}
    return PowerFrame(
        **stamp._asdict(), **columns, tick=TICK_NS, ch=CHANNELS, first=stamp.seq * 100, missed=missed
    )


def _marks(stamp: Stamp) -> MarksFrame:
    return MarksFrame(**stamp._asdict(), events=(marks.Prepare(t=stamp.t0, group="g"),))


def _clock(stamp: Stamp) -> ClockFrame:
    exchange = Exchange(t1=stamp.t0, t2=1, t3=1, t4=stamp.t0 + 1)
    return ClockFrame(**stamp._asdict(), peer="collector", exchanges=(exchange,))


def _manifest(stamp: Stamp) -> ManifestFrame:
    streams = tuple(
        StreamInfo(
            stream=name, sensor="none", channels=CHANNELS, total="total", origin="synthetic", period_ms=1.0
        )
        for name in ("main", "board")
    )
    told = {"os_boot": "kernel", "device": Board(kind="test"), "software": "test", "hash": "0"}
    return ManifestFrame(**stamp._asdict(), **told, streams=streams)
