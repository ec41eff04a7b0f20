"""Rows of the `ledger`: what one writer has stored of one sequence. The rows of all writers make the account.

A writer rewrites only rows of its own, so that two programs on one store never undo each other's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Literal

import msgspec
from msgspec.structs import replace

from telemetry.contract.frames import StreamHealth, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import shares
from telemetry.store.influx import names, pieces
from telemetry.store.influx.lines import tags
from telemetry.store.influx.runs import Runs
from telemetry.store.interface import Report
from telemetry.store.reports import merged

Room = Literal["raw", "archive"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored of a sequence.

    `anchor` is None while only reports speak of it; `longest` is the longest span of a frame, ns; `rooms` are
    the buckets that frames went to, `raw` or `archive`; `tangled`: times do not rise with numbers. `missed`
    is text, because a sum of 64-bit numbers may not fit 64 bits.
    """

    node: str
    boot: str
    stream: str
    anchor: int | None = None
    runs: tuple[tuple[int, int, int, int], ...] = ()
    samples: int = 0
    missed: str = "0"
    longest: int = 0
    rooms: tuple[Room, ...] = ()
    tangled: bool = False
    as_of: int | None = None
    health: StreamHealth | None = None

    @property
    def key(self) -> StreamKey:
        """Which sequence it is."""
        return StreamKey(self.node, self.boot, self.stream)

    @property
    def seqs(self) -> IntervalSet:
        """The numbers that are stored."""
        return IntervalSet((first, last) for first, last, _, _ in self.runs)

    @property
    def report(self) -> Report | None:
        """The newest word of the node."""
        if self.as_of is None or self.health is None:
            return None
        return Report(node=self.node, health=self.health, as_of=self.as_of)

    def told(self, report: Report) -> Row:
        """The row with a report taken into account."""
        newest = merged(self.report, report) if self.report else report
        return replace(self, as_of=newest.as_of, health=newest.health)


def row_of(key: StreamKey) -> Row:
    """A row that holds nothing."""
    return Row(node=key.node, boot=key.boot, stream=key.stream)


def united(rows: Sequence[Row]) -> Row:
    """One row for several of one sequence. A frame that two writers stored is in the sums twice."""
    return rows[0] if len(rows) == 1 else reduce(_two, rows)


def stored_twice(rows: Iterable[Row]) -> list[IntervalSet]:
    """For each row the numbers that rows before it hold too."""
    seen = IntervalSet()
    again = []
    for row in rows:
        again.append(row.seqs & seen)
        seen |= row.seqs
    return again


def ledger_line(row: Row, writer: int) -> bytes:
    """The line of a row: a writer's rows stand at the time that names it, and are overwritten there.

    The whole row is one field, so that a reader never sees a half of it. The counts beside it are for
    dashboards: where the frames of the sequence are as this writer knows, dead ones among the missing.
    """
    parts = shares(row.seqs, IntervalSet(), row.health)
    counts = [
        b"%b=%di" % (name.encode(), len(part)) for name, part in parts._asdict().items() if name != "dead"
    ]
    plotted = b",".join(
        (*counts, b"samples=%di,missed_ticks=%b" % (row.samples, repr(float(row.missed)).encode()))
    )
    doc = pieces.text_fields("doc", msgspec.json.encode(row).decode())
    return b"ledger,%b %b,%b %d\n" % (tags(row.key, row.stream), plotted, doc, writer)


def read_row(doc: str) -> Row:
    """A row from its document."""
    return msgspec.json.decode(doc, type=Row)


def where(key: StreamKey) -> str:
    """The condition that chooses one sequence in a query."""
    node, boot, stream = map(names.quoted, key)
    return f"node = {node} AND boot = {boot} AND stream = {stream}"


def _two(one: Row, other: Row) -> Row:
    row = replace(
        one,
        anchor=one.anchor if one.anchor is not None else other.anchor,
        runs=tuple(Runs((*one.runs, *other.runs))),
        samples=one.samples + other.samples,
        missed=str(int(one.missed) + int(other.missed)),
        longest=max(one.longest, other.longest),
        rooms=tuple(sorted({*one.rooms, *other.rooms})),
        tangled=one.tangled or other.tangled,
    )
    return row.told(other.report) if other.report else row
