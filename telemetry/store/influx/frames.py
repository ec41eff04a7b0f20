"""Frames read back: by number or by time, always from their bodies, and not much more than is asked for.

A frame rests as a point of `frame` at its stamp. The ledger's row says which are held, in which bucket, and
between which times a run of numbers lies; a point that no row names was never acknowledged, and is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from telemetry.contract.decode import reread
from telemetry.contract.frames import Frame, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.topics import parse_frame_topic
from telemetry.store.influx.judge import STEPS_NS
from telemetry.store.influx.names import EARLIEST, LATEST
from telemetry.store.influx.pieces import packed_of, selected
from telemetry.store.influx.rows import Room, Row, where
from telemetry.store.influx.runs import Run, Runs
from telemetry.store.influx.server import Server
from telemetry.store.times import last_ns

PAGE = 500
"""Frames in one answer: some 5 MB."""
FEW = 2_000
"""A run of so few frames is searched whole."""
NEAR_NS = 3_600_000_000_000
"""A neighbour is looked for so far away first."""

NOTHING = IntervalSet()
BODY = selected("body")
Point = dict[str, Any]


class Search(NamedTuple):
    """Points of one sequence: stamps from `begin` to `end`, and what else is asked of them."""

    row: Row
    begin: int
    end: int
    also: str = ""

    @property
    def condition(self) -> str | None:
        """For a query; None where there can be nothing."""
        begin, end = max(self.begin, EARLIEST), min(self.end, LATEST)
        if begin > end:
            return None
        return f"{where(self.row.key)} AND time >= {begin} AND time <= {end}{self.also}"

    def near(self, *, newest: bool) -> Search:
        """Only the part where a neighbour is likely to be."""
        if newest:
            return self._replace(begin=max(self.begin, self.end - NEAR_NS))
        return self._replace(end=min(self.end, self.begin + NEAR_NS))

    def beyond(self, stamp: int, *, newest: bool) -> Search:
        """Only the part that is further away than a stamp."""
        return self._replace(end=stamp - 1) if newest else self._replace(begin=stamp + 1)


class Reader:
    """Reads points and frames of `frame`. `raw_ns`: how long the raw bucket keeps them; 0: for ever."""

    def __init__(self, server: Server, now_ns: Callable[[], int]) -> None:
        self.raw_ns = 0
        self._server = server
        self._now_ns = now_ns
        self._expired: dict[StreamKey, IntervalSet] = {}

    async def by_number(self, row: Row, seqs: IntervalSet) -> list[tuple[int, Frame]]:
        """The frames of these numbers that are held and have not expired, by rising number."""
        points = await self.points(row, seqs, BODY)
        return sorted(_decoded(row, points.values()), key=lambda found: found[0])

    async def points(self, row: Row, seqs: IntervalSet, columns: str) -> dict[int, Point]:
        """The points of these numbers, by number."""
        found: dict[int, Point] = {}
        oldest = self._now_ns() - self.raw_ns if self.raw_ns and row.rooms == ("raw",) else EARLIEST
        asked = seqs - self._expired.get(row.key, NOTHING)
        for first, last, run in Runs(row.runs).among(asked):
            if run.end >= oldest:
                found |= await self._in_run(row, (first, last), run, columns)
            if run.begin < oldest:  # what is not found here has expired, and need not be looked for again
                gone = IntervalSet([(first, last)]) - IntervalSet.of(found)
                self._expired[row.key] = self._expired.get(row.key, NOTHING) | gone
        return found

    async def covering(self, row: Row, begin: int, end: int) -> list[Frame]:
        """The frames that overlap [begin, end], node time ns, and the nearest to each side, by time."""
        held = Runs(row.runs)
        found: dict[int, Frame] = {}
        early, late = begin - row.longest - 1, end + STEPS_NS + 1
        for room in row.rooms:
            async for page in self._pages(room, Search(row, early + 1, late - 1), BODY):
                found.update(_decoded(row, page))
            before = await self._nearest(room, Search(row, EARLIEST, early), held, newest=True)
            after = await self._nearest(room, Search(row, late, LATEST), held, newest=False)
            found.update(_decoded(row, (*before, *after)))
        return _chosen([frame for seq, frame in found.items() if seq in held], begin, end)

    async def _in_run(self, row: Row, part: tuple[int, int], run: Run, columns: str) -> dict[int, Point]:
        """A part of a run: looked for where it lies if time went evenly, then ever wider around."""
        first, last = part
        found: dict[int, Point] = {}
        for begin, end in _guesses(first, last, run, whole=row.tangled):
            search = Search(row, begin, end, f" AND seq >= {first} AND seq <= {last}")
            for room in row.rooms:
                async for page in self._pages(room, search, columns):
                    found.update((point["seq"], point) for point in page)
            if len(found) == last - first + 1:
                break
        return found

    async def _nearest(self, room: Room, search: Search, held: Runs, *, newest: bool) -> list[Point]:
        """The newest or oldest point of a search, if there is one; of a power stream, one with samples."""
        samples = " AND n > 0" if search.row.stream.startswith("power/") else ""
        order = f"ORDER BY time {'DESC' if newest else 'ASC'} LIMIT 1"
        for each in (search.near(newest=newest), search):
            part = each._replace(also=samples)
            while found := await self._ask(room, part, BODY, order):
                if found[0]["seq"] in held:
                    return found
                part = part.beyond(found[0]["time"], newest=newest)  # refused, or never acknowledged
        return []

    async def _pages(self, room: Room, search: Search, columns: str) -> AsyncIterator[list[Point]]:
        while True:
            page = await self._ask(room, search, columns, f"LIMIT {PAGE}")
            yield page
            if len(page) < PAGE:
                return
            search = search._replace(begin=page[-1]["time"] + 1)

    async def _ask(self, room: Room, search: Search, columns: str, how: str) -> list[Point]:
        if search.condition is None:
            return []
        bucket = getattr(self._server.address.buckets, room)
        asked = f"SELECT seq, {columns} FROM frame WHERE {search.condition} {how}"
        return await self._server.ask(bucket, asked)


def _guesses(first: int, last: int, run: Run, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Stamps between which a part of a run may lie, ever wider; at last, those of the whole run."""
    count, span = run.last - run.first, run.end - run.begin
    if not whole and count >= FEW:
        margin = max(span * 10 // count, span // 1_000)
        while margin < span:
            begin = run.begin + (first - run.first) * span // count
            end = run.begin + (last - run.first) * span // count
            yield max(run.begin, begin - margin), min(run.end, end + margin)
            margin *= 10
    yield run.begin, run.end


def _decoded(row: Row, points: Iterable[Point]) -> Iterator[tuple[int, Frame]]:
    topic = parse_frame_topic(f"e3p/v1/{row.node}/{row.stream}")
    for point in points:
        body = packed_of("body", point)
        if body is not None:
            yield point["seq"], reread(topic, body)


def _chosen(frames: list[Frame], begin: int, end: int) -> list[Frame]:
    """Those that overlap, and the nearest to each side; a power frame without samples is no neighbour."""
    spans = [(frame.anchor + frame.t0, frame.anchor + last_ns(frame), frame) for frame in frames]
    chosen = [frame for first, last, frame in spans if first <= end and last >= begin]
    beside = [each for each in spans if not isinstance(each[2], PowerFrame) or each[2].samples]
    before = [(first, frame.seq, frame) for first, last, frame in beside if last < begin]
    after = [(first, frame.seq, frame) for first, _, frame in beside if first > end]
    chosen += [max(before, key=lambda each: each[:2])[2]] if before else []
    chosen += [min(after, key=lambda each: each[:2])[2]] if after else []
    return sorted(chosen, key=lambda frame: (frame.t0, frame.seq))
