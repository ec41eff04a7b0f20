"""One node's continuous work: each minute of it becomes results, of whichever application and model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.assemble import work_results
from analyzer.evidence import Archive, Evidence
from analyzer.labour import Labour, labour_of
from analyzer.meters import with_meters
from analyzer.minutes import REACH_NS, Minutes
from analyzer.sightings import boots_during
from analyzer.span import on_own_clock
from analyzer.waiting import LOOKS, Computed, Teller, Waiting
from telemetry.contract.frames import MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analyzer.notebook import Notebook
    from telemetry.contract.documents import MeterJoin
    from telemetry.store.interface import Place, Store

MOST_WAITING = 2_000
"""Minutes that wait for missing frames; beyond that those that waited longest stay as they are."""

Settled = dict[StreamKey, IntervalSet]


class Shift:
    """Its `minutes` are fed by the node's reader; `settle` computes those that are over and tells them.

    `notebook` knows the node's trials, `settled` the frames that nobody waits for any more.
    """

    def __init__(self, store: Store, notebook: Notebook, settled: Settled, length_ns: int) -> None:
        self.minutes = Minutes(length_ns)
        self._store = store
        self._notebook = notebook
        self._settled = settled
        self._waiting: Waiting[int] = Waiting()

    @property
    def waiting(self) -> int:
        """How many minutes wait for frames, or for their turn."""
        return len(self._waiting)

    def hear(self, key: StreamKey, seqs: IntervalSet) -> None:
        """Frames are settled."""
        self._waiting.hear(key, seqs)

    def overhear(self, settled: Mapping[StreamKey, IntervalSet]) -> None:
        """Frames of a meter are settled."""
        self._waiting.overhear(settled)

    async def settle(self, now_s: float, teller: Teller, meters: Sequence[MeterJoin]) -> None:
        """Tells the newest of the minutes that are over."""
        for begin in self.minutes.over(now_s):
            self._waiting.expect(begin, now_s, "late marks")
        for looks, begin in enumerate(self._waiting.worth_a_look(now_s)):
            if looks >= LOOKS:
                break
            await self._waiting.take(begin, await self.compute(begin, meters), now_s, teller)
            if begin not in self._waiting:
                self.minutes.settled(begin)
        for begin in self._waiting.written()[:-MOST_WAITING]:
            self._waiting.forget(begin)
            self.minutes.settled(begin)

    async def compute(self, begin: int, meters: Sequence[MeterJoin]) -> Computed:
        """The results of a minute from what is stored now; none where nobody worked."""
        end, boots = begin + self.minutes.length_ns, self.minutes.boots_of(begin)
        places = [each for each in await self._store.places(self._notebook.node) if each.key.boot in boots]
        labour, absent = await self._labour(places, begin, end)
        if not labour.jobs:
            return Computed([], 0, {}, frozenset())
        found = await self._evidence(places, begin, end, meters)
        met = bool(self._notebook.around(begin, end))
        results = [
            result
            for evidence, overlap in found
            for result in work_results(
                self._notebook.node,
                (begin, end),
                labour,
                evidence,
                overlaps=met or overlap,
                awaits_marks=any(absent.values()),
            )
        ]
        missing = sum(map(len, absent.values())) + sum(evidence.missing for evidence, _ in found)
        parts = [power for evidence, _ in found for power in evidence.measured]
        for key, seqs in (each for power in parts for each in power.absent):
            absent[key] = absent.get(key, IntervalSet()) | seqs
        return Computed(results, missing, absent, frozenset(key for power in parts for key in power.unsure))

    async def _labour(self, places: Iterable[Place], begin: int, end: int) -> tuple[Labour, Settled]:
        """What the marks say of a minute, and which frames of marks within it are not settled."""
        frames: list[MarksFrame] = []
        absent: Settled = {}
        for place in places:
            if not place.key.stream.startswith("marks/") or place.anchor is None:
                continue
            span = on_own_clock(place.key.boot, place.anchor, begin, end)
            held = await self._store.covering(place.key, span.begin, span.wider(0, REACH_NS).end)
            told = [frame for frame in held if isinstance(frame, MarksFrame)]
            seqs = [frame.seq for frame in told if frame.t0 <= span.end]
            if seqs:
                after = [frame.seq for frame in told if frame.t0 > span.end][:1]
                needed = IntervalSet([(min(seqs), max(*seqs, *after) if after else max(seqs))])
                absent[place.key] = needed - self._settled.get(place.key, IntervalSet())
            frames += told
        return labour_of(frames, begin, end), absent

    async def _evidence(
        self, places: Sequence[Place], begin: int, end: int, meters: Sequence[MeterJoin]
    ) -> list[tuple[Evidence, bool]]:
        """What is held of each power stream, the meters with the first; whether other boots had it too."""
        archive = Archive(self._store, self._notebook.node, [place.key for place in places])
        streams = await boots_during(self._store, places, begin, end)
        if not streams:
            anchors = {place.key.boot: place.anchor for place in places if place.anchor is not None}
            spans = [on_own_clock(boot, anchor, begin, end) for boot, anchor in anchors.items()]
            evidence = await archive.evidence(spans, {})
            return [(await with_meters(self._store, meters, evidence, begin, end), False)]
        found: list[tuple[Evidence, bool]] = []
        for stream, (spans, overlap) in sorted(streams.items()):
            evidence = await archive.evidence(spans, {}, only=stream)
            if not found:
                evidence = await with_meters(self._store, meters, evidence, begin, end)
            found.append((evidence, overlap))
        return found
