"""Frames on their way to the spool and out of it: numbered, committed, sent, settled.

All of it happens on the event loop but SQLite's own work, which has a thread and one turn at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread

from edge_node.accounts import Accounts, Name
from edge_node.boots import Boot
from edge_node.delivery import Delivery, Waiting
from edge_node.outbox import Outbox, Row, with_rows
from edge_node.sampling import Block
from edge_node.spool import Batch, Parcel, Spool
from edge_node.spool_load import Books
from edge_node.spool_schema import SpoolBlocked, SpoolBroken
from telemetry.contract.encode import Encoding, encode
from telemetry.contract.frames import VERSION, Envelope, HealthFrame, PowerFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored
from telemetry.runtime import logs

T = TypeVar("T")

HEALTH = "health/agent"

log = logs.get("spool")


class Stamp(NamedTuple):
    """The envelope of a frame: its fields, by name, are those of `Envelope`."""

    boot: str
    seq: int
    anchor: int
    t0: int
    v: int = VERSION


class Recorder:
    """The node's frames, from the moment they have a number until nobody needs them here any more."""

    def __init__(self, spool: Spool, boot: Boot, encoding: Encoding) -> None:
        self.boot = boot
        self.delivery = Delivery()
        self.accounts = Accounts(spool.accounts())
        self._spool = spool
        self._encoding = encoding
        self._outbox = Outbox()
        self._boots = {known.id: known for known in (*spool.boots(), boot)}
        self._last_t0: dict[Name, int] = {}
        self._farewells: dict[tuple[Name, int], frozenset[str]] = {}
        self._turn = anyio.Lock()
        self._limiter = anyio.CapacityLimiter(1)
        self._books: Books | None = None
        self._blocked = False

    @property
    def spool_bytes(self) -> int:
        """What rests in the spool."""
        return self._spool.size_bytes

    @property
    def boots(self) -> list[Boot]:
        """All boots that are not forgotten."""
        return list(self._boots.values())

    def adopt(self, broken: Recorder) -> None:
        """Takes over from one whose spool broke: its accounts, and what waited for its commit.

        What neither waits nor was saved into this spool is declared lost.
        """
        self.accounts = broken.accounts
        self._boots = {boot.id: boot for boot in (*broken.boots, self.boot)}
        for name, seqs in self.accounts.stale(self._spool.accounts()).items():
            self._spool.settle(name, seqs)
        rows, losses = broken._outbox.take()
        held = with_rows(self._spool.accounts(), rows)
        fresh = self.accounts.orphaned(held)
        self.accounts.lose(fresh)
        self.accounts.lose(self._outbox.restore(rows, [*losses, *fresh]))

    def begin_boot(self, boot: Boot) -> None:
        """Frames that are put from now on belong to this boot; what waits for its commit stays what it is."""
        self.boot = boot
        self._boots[boot.id] = boot

    def put(self, stream: str, t0: int, make: Callable[[Stamp], Envelope], ticks: int = 0) -> int:
        """Numbers a frame of this boot and keeps it for the next commit. Its number.

        `t0` (monotonic ns) is moved behind that of the frame before where it does not rise.
        """
        name = Name(self.boot.id, stream)
        t0 = max(t0, self._last_t0.get(name, t0 - 1) + 1)
        self._last_t0[name] = t0
        seq = self.accounts.number(name, ticks)
        frame = make(Stamp(self.boot.id, seq, self.boot.anchor, t0))
        self.accounts.lose(self._outbox.put(Row(name, seq, t0, ticks, encode(frame, self._encoding))))
        return seq

    def put_block(self, stream: str, block: Block, first: int) -> int:
        """A power frame of a sampler's block; `first` is its stream's first tick in this boot."""

        def make(stamp: Stamp) -> PowerFrame:
            return PowerFrame(
                **stamp._asdict(),
                dt=block.dt,
                tick=block.tick,
                ch=block.ch,
                w=block.w,
                first=block.first - first,
                missed=block.missed,
                counter_j=block.counter_j,
            )

        return self.put(stream, block.t0, make, block.ticks)

    def put_health(self, t0: int, make: Callable[[Stamp], HealthFrame]) -> None:
        """A health frame, whose settlement tells that the boots which it called over can be forgotten."""
        over = self.accounts.over(self.boot.id)
        seq = self.put(HEALTH, t0, make)
        if over:
            self._farewells[Name(self.boot.id, HEALTH), seq] = over

    async def commit(self, books: Books | None = None, too_old: Mapping[str, int] | None = None) -> bool:
        """Writes what was put. False when the disk takes nothing: it stays in memory, bounded."""
        # What was taken out of the ring must reach the spool or come back, whoever is cancelled meanwhile.
        with anyio.CancelScope(shield=True):
            async with self._turn:
                written = await self._write(books, too_old or {})
        return written

    async def settle(self, stored: Stored) -> None:
        """The collector has these: they leave. With a disk that fails they stay, and are sent once more."""
        async with self._turn:
            for stream in stored.streams:
                settled = IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
                if stream.boot in self._boots:
                    try:
                        await self._settle(Name(stream.boot, stream.stream), settled)
                    except SpoolBlocked as error:
                        self._say_blocked(str(error))

    async def pick(self) -> list[tuple[Waiting, Parcel]]:
        """The frames to send now, which are not in flight yet."""
        async with self._turn:
            room, sent = self.delivery.room, set(self.delivery.in_flight)
            if not room:
                return []

            def look() -> list[tuple[Waiting, Parcel]]:
                newest, oldest = self._spool.waiting(room, sent)
                chosen = {frame.id: frame for frame in self.delivery.choose(newest, oldest)}
                return [(chosen[parcel.id], parcel) for parcel in self._spool.parcels(list(chosen))]

            # One way into the thread and back: each costs a device more than what is done there.
            return await self._in_thread(look)

    async def overdue(self, now_s: float) -> list[tuple[Waiting, Parcel]]:
        """The frames in flight to send again."""
        async with self._turn:
            late = self.delivery.overdue(now_s)
            parcels = await self._in_thread(lambda: self._spool.parcels(late)) if late else []
            self.delivery.forget(set(late) - {parcel.id for parcel in parcels})
        return [(Waiting(parcel.id, len(parcel.body)), parcel) for parcel in parcels]

    async def _write(self, books: Books | None, too_old: Mapping[str, int]) -> bool:
        rows, losses = self._outbox.take()
        spare = set(self.delivery.in_flight)
        changed = books if books != self._books else None
        if not rows and not losses and changed is None and not too_old:
            return True
        names = {row.name for row in rows} | {loss.name for loss in losses}
        numbers = {name: (self.accounts[name].next_seq, self.accounts[name].ticks) for name in names}
        batch = Batch(rows, losses, numbers, self.boots, changed, too_old)
        try:
            given_up = await self._in_thread(lambda: self._spool.write(batch, spare))
        except SpoolBlocked as error:
            self.accounts.lose(self._outbox.restore(rows, losses))
            self._say_blocked(str(error))
            return False
        except SpoolBroken:
            self.accounts.lose(self._outbox.restore(rows, losses))
            raise
        self.accounts.lose(given_up)
        if given_up:
            frames = sum(loss.last - loss.first + 1 for loss in given_up)
            log.warning("the spool is too full, or frames too old", given_up=frames)
        self._books = books if books is not None else self._books
        self._say_blocked("")
        return True

    async def _settle(self, name: Name, seqs: IntervalSet) -> None:
        settled = await self._in_thread(lambda: self._spool.settle(name, seqs))
        self.accounts.settle(name, seqs, settled.ticks)
        self.delivery.settled(settled.ids)
        heard = [key for key in self._farewells if key[0] == name and key[1] in seqs]
        for key in heard:
            await self._forget(self._farewells.pop(key))

    async def _forget(self, boots: frozenset[str]) -> None:
        await self._in_thread(lambda: self._spool.forget(boots))
        self.accounts.forget(boots)
        for boot in boots:
            self._boots.pop(boot, None)
        log.info("earlier boots are settled", boots=sorted(boots))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    def _say_blocked(self, why: str) -> None:
        """Once when it begins, once when it is over."""
        if bool(why) != self._blocked:
            self._blocked = bool(why)
            if why:
                log.error("the spool cannot be written; frames wait in memory", why=why)
            else:
                log.info("the spool can be written again")
