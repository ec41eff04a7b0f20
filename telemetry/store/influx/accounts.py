"""What is held of every sequence, from the ledger's rows and the letters; no frame is looked at for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx.frames import Reader
from telemetry.store.influx.ledger import Ledger
from telemetry.store.influx.letters import Letters
from telemetry.store.influx.rows import Row, row_of, stored_twice, united
from telemetry.store.interface import Account, Place

Rows = Mapping[StreamKey, Sequence[Row]]
NOTHING = IntervalSet()


class Accounts:
    """Accounts and places, read anew each time: other programs write too."""

    def __init__(self, ledger: Ledger, letters: Letters, reader: Reader) -> None:
        self._ledger = ledger
        self._letters = letters
        self._reader = reader

    async def accounts(self, node: str | None) -> list[Account]:
        """An account for each sequence that frames, reports or letters speak of, by key."""
        rows = await self._ledger.sequences(node)
        dead = await self._letters.dead(node)
        anchors = _anchors(rows)
        return [
            await self._account(
                key, rows.get(key, ()), dead.get(key, NOTHING), anchors.get((key.node, key.boot))
            )
            for key in sorted({*rows, *dead})
        ]

    async def places(self, node: str) -> list[Place]:
        """Where each sequence of a node stands, by key."""
        rows = await self._ledger.sequences(node)
        anchors = _anchors(rows)
        return [
            Place(key=key, anchor=anchors.get((key.node, key.boot)), report=united(rows[key]).report)
            for key in sorted(rows)
        ]

    async def _account(
        self, key: StreamKey, rows: Sequence[Row], dead: IntervalSet, anchor: int | None
    ) -> Account:
        row = united(rows) if rows else row_of(key)
        twice = await self._counted_twice(row, rows)
        return Account(
            key=key,
            anchor=anchor,
            stored=row.seqs,
            dead=dead - row.seqs,
            samples=row.samples - twice[0],
            missed=int(row.missed) - twice[1],
            report=row.report,
        )

    async def _counted_twice(self, row: Row, rows: Sequence[Row]) -> tuple[int, int]:
        """Samples and missed ticks of frames that two writers stored at the same time."""
        samples = missed = 0
        for again in stored_twice(rows):
            for point in (await self._reader.points(row, again, "n, missed")).values():
                samples += point["n"] or 0
                missed += point["missed"] or 0
        return samples, missed


def _anchors(rows: Rows) -> dict[tuple[str, str], int]:
    """The anchor of each boot, whichever of its sequences tells it."""
    return {
        (row.node, row.boot): row.anchor
        for of_key in rows.values()
        for row in of_key
        if row.anchor is not None
    }
