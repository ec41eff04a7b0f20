"""The way of a batch: judged, written, entered into the ledger; in this order, and durable at each step.

A crash after the frames and before the ledger leaves frames that nobody was told of: their nodes send them
again, the same points are written again, and then the ledger has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from telemetry.contract.decode import Received
from telemetry.store.influx.delivery import deliver
from telemetry.store.influx.finder import Finder
from telemetry.store.influx.frames import Reader
from telemetry.store.influx.judge import Judgement, Taken, judge
from telemetry.store.influx.known import BootKey, Shelf, boots_of
from telemetry.store.influx.ledger import Ledger
from telemetry.store.influx.names import EARLIEST
from telemetry.store.influx.pace import Pace
from telemetry.store.influx.plots import lasting_line
from telemetry.store.influx.rows import Room
from telemetry.store.influx.server import Server
from telemetry.store.interface import Outcome, Rejected

MARGIN_SHARE = 10
DAY_NS = 86_400 * 1_000_000_000


def oldest_ns(raw_ns: int, now_ns: int) -> int:
    """The oldest time for which a raw bucket that keeps its points so long (0: for ever) is the place."""
    return now_ns - raw_ns + min(DAY_NS, raw_ns // MARGIN_SHARE) if raw_ns else EARLIEST


class Writer:
    """Writes one batch after the other. `raw_ns`: how long the raw bucket keeps its points; 0: for ever."""

    def __init__(self, server: Server, ledger: Ledger, reader: Reader, now_ns: Callable[[], int]) -> None:
        self.raw_ns = 0
        self._server = server
        self._ledger = ledger
        self._finder = Finder(server, ledger, reader)
        self._now_ns = now_ns
        self._shelf = Shelf(ledger.writer)
        self._turn = anyio.Lock()
        self._pace = Pace()

    async def write(self, frames: Sequence[Received]) -> list[Outcome]:
        async with self._turn:
            began_ns = self._now_ns()
            await self._catch_up(boots_of(frames))
            refused: dict[int, Rejected] = {}
            rooms: dict[int, Room] = {}
            stamps: dict[int, int] = {}
            while True:
                judgement = await self._judge(frames, refused)
                # One that is refused may leave its stamp to another, which then has to be written there.
                new = [each for each in judgement.taken if stamps.get(each.at) != each.stamp]
                rejected = await self._store(new, rooms)
                if not rejected:
                    break
                stamps |= {each.at: each.stamp for each in new}
                refused |= rejected
            if judgement.taken:
                await self._enter(judgement, rooms)
                await self._tell_pace([each.received for each in judgement.taken], began_ns)
            return judgement.outcomes

    async def _catch_up(self, boots: Sequence[BootKey]) -> None:
        """Reads what all writers say of these boots, where it is not known or may have changed."""
        if await self._ledger.others_wrote():
            self._shelf.forget()
        if stale := self._shelf.stale(boots):
            self._shelf.load(stale, await self._ledger.rows_of(stale))

    async def _judge(self, frames: Sequence[Received], refused: dict[int, Rejected]) -> Judgement:
        """Judges, with an answer to each question that comes up."""
        known = self._shelf.known(frames)
        while True:
            judgement = judge(frames, known, refused)
            if not judgement.unknown and not judgement.doubtful:
                return judgement
            digests = await self._finder.digests(judgement.unknown)
            stamps = await self._finder.stamps(judgement.doubtful)
            known = known._replace(digests={**known.digests, **digests}, stamps={**known.stamps, **stamps})

    async def _store(self, taken: Sequence[Taken], rooms: dict[int, Room]) -> dict[int, Rejected]:
        """Writes frames where they belong, and enters where that is into `rooms`.

        What the raw bucket finds too old rests in the archive.
        """
        rooms |= {each.at: self._room(each) for each in taken}
        buckets = self._server.address.buckets
        young = [each for each in taken if rooms[each.at] == "raw"]
        rejected = await deliver(self._server, buckets.raw, young)
        expired = [at for at, why in rejected.items() if "retention policy" in why.reason]
        for at in expired:
            rooms[at] = "archive"
            del rejected[at]
        old = [each for each in taken if rooms[each.at] == "archive"]
        return rejected | await deliver(self._server, buckets.archive, old)

    def _room(self, taken: Taken) -> Room:
        """Manifests are kept: the boot that one speaks of may outlive any retention."""
        if taken.received.topic.kind == "manifest":
            return "archive"
        return "archive" if taken.stamp < oldest_ns(self.raw_ns, self._now_ns()) else "raw"

    async def _enter(self, judgement: Judgement, rooms: dict[int, Room]) -> None:
        rows = self._shelf.rows(judgement, rooms)
        lines = [self._shelf.line(row) for row in rows]
        lines += (lasting_line(each.received.topic.node, each.received.frame) for each in judgement.taken)
        await self._ledger.write(lines)
        self._shelf.settle(judgement, rows)

    async def _tell_pace(self, written: Sequence[Received], began_ns: int) -> None:
        if line := self._pace.add(written, began_ns, self._now_ns()):
            await self._server.write(self._server.address.buckets.raw, line)
