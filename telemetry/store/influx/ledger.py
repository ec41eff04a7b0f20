"""The ledger's rows on the server: in the bucket that never forgets, written after the frames they cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from telemetry.contract.frames import StreamKey
from telemetry.contract.nodetime import NS_PER_S
from telemetry.store.influx.bodies import write_lines
from telemetry.store.influx.names import quoted
from telemetry.store.influx.pieces import selected, text_of
from telemetry.store.influx.rows import Row, read_row, united, where
from telemetry.store.influx.server import Server

BOOTS = 50
"""Boots asked for in one query."""
OLDEST_NS = 400 * 86_400 * NS_PER_S
"""A writer that began so long before this one writes no more."""


class Ledger:
    """Reads the rows of all writers, and writes those of one. `writer` names it: ns, of no other writer.

    Every write counts up a bell beside the rows, so that another writer sees with one small query whether it
    must look again.
    """

    def __init__(self, server: Server, writer: int) -> None:
        self.writer = writer
        self._server = server
        self._bucket = server.address.buckets.results
        self._rung = 0
        self._heard: dict[int, int] = {}

    async def rows_of(self, boots: Sequence[tuple[str, str]]) -> list[tuple[int, Row]]:
        """Every writer's rows of some boots (node, boot), each with the time it stands at."""
        found = []
        for at in range(0, len(boots), BOOTS):
            each = (
                f"(node = {quoted(node)} AND boot = {quoted(boot)})" for node, boot in boots[at : at + BOOTS]
            )
            found += await self._read(f" WHERE {' OR '.join(each)}")
        return found

    async def sequence(self, key: StreamKey) -> Row | None:
        """All that is held of one sequence, as one row; None: nothing."""
        rows = [row for _, row in await self._read(f" WHERE {where(key)}")]
        return united(rows) if rows else None

    async def sequences(self, node: str | None = None) -> Mapping[StreamKey, Sequence[Row]]:
        """The rows of every sequence, of one node or of all."""
        by_key: defaultdict[StreamKey, list[Row]] = defaultdict(list)
        for _, row in await self._read("" if node is None else f" WHERE node = {quoted(node)}"):
            by_key[row.key].append(row)
        return by_key

    async def others_wrote(self) -> bool:
        """Whether another writer wrote since this was asked last."""
        oldest = self.writer - OLDEST_NS
        rows = await self._server.ask(self._bucket, f"SELECT rung FROM writer WHERE time > {oldest}")
        heard = {row["time"]: row["rung"] for row in rows if row["time"] != self.writer}
        changed, self._heard = heard != self._heard, heard
        return changed

    async def write(self, lines: Iterable[bytes]) -> None:
        """Writes lines into the bucket that never forgets, and rings the bell."""
        self._rung += 1  # also where the answer gets lost: the server may have these lines
        bell = b"writer rung=%di %d\n" % (self._rung, self.writer)
        await write_lines(self._server, self._bucket, [*lines, bell], "a line of the ledger")

    async def _read(self, chosen: str) -> list[tuple[int, Row]]:
        rows = await self._server.ask(self._bucket, f"SELECT {selected('doc')} FROM ledger{chosen}")
        return [(row["time"], read_row(text_of("doc", row) or "{}")) for row in rows]
