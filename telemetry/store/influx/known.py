"""What this process knows of the sequences it writes: its own rows, and what other writers stored."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
BOOTS = 4_000
"""Boots that are kept in memory; one that is heard of again is read from the server again."""
SEALED_RUNS = 1_000
"""A row with so many runs is written no more; the next numbers go into a new one."""
PARTS = 1_000_000
"""Rows of one writer and sequence stand at the nanoseconds after the one that names the writer."""

BootKey = tuple[str, str]


@dataclass
class Standing:
    """One sequence: the row that this writer writes, and the runs of all writers together.

    `part` counts the rows that this writer has sealed.
    """

    mine: Row
    runs: Runs
    part: int = 0


@dataclass
class Boot:
    """The sequences of one boot, by name. `fresh`: nobody else has written since it was read."""

    anchor: int | None = None
    sequences: dict[str, Standing] = field(default_factory=dict)
    fresh: bool = False


class Shelf:
    """What is held of the boots that were written lately. Nothing changes until `settle`: the server has it.

    `writer` names this writer: ns, unique to it.
    """

    def __init__(self, writer: int) -> None:
        self._writer = writer
        self._boots: OrderedDict[BootKey, Boot] = OrderedDict()
        self._digests: OrderedDict[Spot, bytes] = OrderedDict()

    def forget(self) -> None:
        """Another writer wrote: what it may have written is read again where it is needed."""
        for boot in self._boots.values():
            boot.fresh = False

    def stale(self, boots: Iterable[BootKey]) -> list[BootKey]:
        """Those of these boots that have to be read."""
        return [key for key in boots if key not in self._boots or not self._boots[key].fresh]

    def load(self, boots: Iterable[BootKey], rows: Iterable[tuple[int, Row]]) -> None:
        """Takes over what all writers say of these boots: rows, each with the time it stands at."""
        known = {key for key in boots if key in self._boots}
        for key in boots:
            self._boots.setdefault(key, Boot()).fresh = True
        for stamp, row in sorted(rows, key=lambda each: each[0]):
            boot, standing = self._boots[row.node, row.boot], self._standing(row.key)
            part = stamp - self._writer
            if 0 <= part < PARTS and (row.node, row.boot) not in known:  # it was put away, and is ours
                standing.mine, standing.part = row, part
            if part != standing.part or (row.node, row.boot) not in known:
                standing.runs = Runs((*standing.runs, *row.runs))
            boot.anchor = row.anchor if boot.anchor is None else boot.anchor

    def known(self, frames: Sequence[Received]) -> Known:
        """What the judge may know about these frames without asking the server."""
        spots = [(received.key, received.frame.seq) for received in frames]
        boots = {(key.node, key.boot): self._boots[key.node, key.boot] for key, _ in spots}
        return Known(
            {key: boot.anchor for key, boot in boots.items() if boot.anchor is not None},
            {key: self._standing(key).runs for key, _ in spots},
            {spot: self._digests[spot] for spot in spots if spot in self._digests},
            {},
        )

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

    def line(self, row: Row) -> bytes:
        """The line of one of this writer's rows."""
        return ledger_line(row, self._writer + self._standing(row.key).part)

    def settle(self, judgement: Judgement, rows: Iterable[Row]) -> None:
        """The server has the batch and its rows."""
        for row in rows:
            standing = self._standing(row.key)
            standing.runs = judgement.runs.get(row.key, standing.runs)
            standing.mine = row
            if len(row.runs) >= SEALED_RUNS:
                standing.mine, standing.part = row_of(row.key), standing.part + 1
            boot = self._boots[row.node, row.boot]
            boot.anchor = row.anchor if boot.anchor is None else boot.anchor
            self._boots.move_to_end((row.node, row.boot))
        for taken in judgement.taken:
            self._digests[taken.received.key, taken.received.frame.seq] = taken.received.digest
        _shorten(self._digests, DIGESTS)
        _shorten(self._boots, BOOTS)

    def _standing(self, key: StreamKey) -> Standing:
        sequences = self._boots[key.node, key.boot].sequences
        if key.stream not in sequences:
            sequences[key.stream] = Standing(row_of(key), Runs())
        return sequences[key.stream]


def boots_of(frames: Iterable[Received]) -> list[BootKey]:
    """The boots that frames are of, and those that health reports among them speak of."""
    found: dict[BootKey, None] = {}
    for received in frames:
        found[received.topic.node, received.frame.boot] = None
        for health in received.frame.streams if isinstance(received.frame, HealthFrame) else ():
            found[received.topic.node, health.boot] = None
    return list(found)


def _shorten(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


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
