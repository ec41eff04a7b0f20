"""What this process knows of the sequences it writes: its own rows, and what other writers stored."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from telemetry.contract.decode import Received
from telemetry.contract.frames import HealthFrame, PowerFrame, StreamKey
from telemetry.contract.nodetime import node_time_ns
from telemetry.store.influx.judge import Judgement, Known, Spot, Taken
from telemetry.store.influx.rows import Room, Row, ledger_line, row_of
from telemetry.store.influx.runs import Runs
from telemetry.store.interface import Report
from telemetry.store.times import last_ns

DIGESTS = 20_000
"""Digests of frames written lately, so that what is sent twice is told apart without a query."""


SEALED_RUNS = 1_000
"""A row with so many runs is written no more; the next numbers go into a new one."""


@dataclass
class Standing:
    """One sequence: the row that this writer writes, and the runs of all writers together.

    `part` counts the rows that this writer has sealed.
    """

    mine: Row
    runs: Runs
    part: int = 0


class Shelf:
    """Sequences by key, loaded by node. Nothing is changed until `settle`, after the server has it.

    `writer` names this writer: ns, unique to it. Its rows stand at that time, and at those that follow.
    """

    def __init__(self, writer: int) -> None:
        self.writer = writer
        self.nodes: set[str] = set()
        self.anchors: dict[tuple[str, str], int] = {}
        self._standings: dict[StreamKey, Standing] = {}
        self._digests: OrderedDict[Spot, bytes] = OrderedDict()

    def forget(self) -> None:
        """Another writer wrote: what is known of the others is read again where it is needed."""
        self.nodes.clear()

    def load(self, nodes: Iterable[str], rows: Iterable[tuple[int, Row]]) -> None:
        """Takes over what writers say of these nodes: rows, each with the time it stands at."""
        self.nodes |= set(nodes)
        for stamp, row in rows:
            standing = self._standing(row.key)
            if stamp != self.writer + standing.part:
                standing.runs = Runs((*standing.runs, *row.runs))
            if row.anchor is not None:
                self.anchors.setdefault((row.node, row.boot), row.anchor)

    def known(self, frames: Iterable[Received]) -> Known:
        """What the judge may know about these frames without asking the server."""
        spots = [(received.key, received.frame.seq) for received in frames]
        runs = {key: self._standings[key].runs for key, _ in spots if key in self._standings}
        digests = {spot: self._digests[spot] for spot in spots if spot in self._digests}
        return Known(self.anchors, runs, digests, {})

    def rows(self, judgement: Judgement, rooms: Mapping[int, Room]) -> list[Row]:
        """The rows of this writer as they are with the batch; `rooms` says where each frame went."""
        batches: defaultdict[StreamKey, list[Taken]] = defaultdict(list)
        for taken in judgement.taken:
            batches[taken.received.key].append(taken)
        rows = {}
        for key, batch in batches.items():
            row = _grown(self._standing(key).mine, batch, {rooms[taken.at] for taken in batch})
            rows[key] = replace(row, tangled=row.tangled or key in judgement.tangled)
        for key, report in _reports(judgement.taken):
            rows[key] = (rows.get(key) or self._standing(key).mine).told(report)
        return list(rows.values())

    def settle(self, judgement: Judgement, rows: Iterable[Row]) -> None:
        """The server has the batch and its rows."""
        for row in rows:
            standing = self._standing(row.key)
            standing.runs = judgement.runs.get(row.key, standing.runs)
            standing.mine = row
            if len(row.runs) >= SEALED_RUNS:
                standing.mine, standing.part = row_of(row.key), standing.part + 1
            if row.anchor is not None:
                self.anchors[row.node, row.boot] = row.anchor
        for taken in judgement.taken:
            self._digests[taken.received.key, taken.received.frame.seq] = taken.received.digest
        while len(self._digests) > DIGESTS:
            self._digests.popitem(last=False)

    def line(self, row: Row) -> bytes:
        """The line of one of this writer's rows."""
        return ledger_line(row, self.writer + self._standing(row.key).part)

    def _standing(self, key: StreamKey) -> Standing:
        if key not in self._standings:
            self._standings[key] = Standing(row_of(key), Runs())
        return self._standings[key]


def _grown(row: Row, batch: Sequence[Taken], rooms: set[Room]) -> Row:
    """A row with frames of its sequence."""
    runs = Runs(row.runs)
    for taken in batch:
        runs.add(taken.received.frame.seq, taken.stamp)
    frames = [taken.received.frame for taken in batch]
    power = [frame for frame in frames if isinstance(frame, PowerFrame)]
    return replace(
        row,
        anchor=frames[0].anchor,
        runs=tuple(runs),
        samples=row.samples + sum(frame.samples for frame in power),
        missed=str(int(row.missed) + sum(frame.missed for frame in power)),
        longest=max(row.longest, *(last_ns(frame) - frame.t0 for frame in frames)),
        rooms=tuple(sorted({*row.rooms, *rooms})),
    )


def _reports(batch: Iterable[Taken]) -> Iterator[tuple[StreamKey, Report]]:
    """What the health frames of a batch say, by the sequence they speak of."""
    for taken in batch:
        key, frame = taken.received.key, taken.received.frame
        for health in frame.streams if isinstance(frame, HealthFrame) else ():
            as_of = node_time_ns(frame.anchor, frame.t0)
            spoken_of = StreamKey(key.node, health.boot, health.stream)
            yield spoken_of, Report(node=key.node, health=health, as_of=as_of)
