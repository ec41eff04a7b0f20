"""What the page asks the store, on worker threads: no long answer stops the rest of the program."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import anyio
import anyio.to_thread
import msgspec

from analyzer.assemble import interval_results
from analyzer.energy.facts import SensorFacts, facts_of
from analyzer.evidence import Archive
from analyzer.meters import read_meters, with_meters
from analyzer.revisions import result_of
from analyzer.sightings import Boots, boots_during
from collector.letters import find_letter, replay
from telemetry.contract.columns import unpack
from telemetry.contract.errors import UserError
from telemetry.contract.events import EVENT
from telemetry.contract.frames import MarksFrame
from telemetry.contract.marks import Batches, Work
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.ranking import Ranking
from telemetry.contract.soak import SOAK, Soak
from telemetry.store.books import read_ledger
from view.live.feed import event_of
from view.trace import Picture, Readings, picture

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from analyzer.evidence import Evidence
    from collector.letters import Replayed
    from telemetry.contract.documents import LedgerRow, Result
    from telemetry.contract.events import FleetEvent
    from telemetry.store.interface import Letter, Place, Store

T = TypeVar("T")

AT_ONCE = 2
LONGEST_NS = 20 * 60 * NS_PER_S
"""Longer windows are read by `e3p energy`: at 1 kHz this is as much as a page should hold in memory."""
MARK_LAG_NS = 5 * NS_PER_S
MOST_LETTERS = 100


class Documents(NamedTuple):
    """All that was concluded."""

    results: list[Result]
    rankings: list[Ranking]
    events: list[FleetEvent]
    soaks: list[Soak]


class Asked(NamedTuple):
    """A stretch of one node's node time (ns), and its stream by the bare name."""

    node: str
    stream: str
    begin: int
    end: int


class Told(NamedTuple):
    """What was drawn then: for the eye, and as energy with its budget, a result for each stream."""

    picture: Picture | None
    results: list[Result]


class Questions:
    """Opens the store anew for each question: `opened` makes one that is not open yet."""

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._opened = opened
        self._room = anyio.CapacityLimiter(AT_ONCE)

    async def documents(self) -> Documents:
        """Everything that was concluded so far."""
        return await self._ask(_documents)

    async def window(self, asked: Asked, points: int) -> Told:
        """A window in at most so many points. Raises `UserError` where nothing is known of it."""
        if asked.end <= asked.begin:
            raise UserError("the window ends before it begins")
        if asked.end - asked.begin > LONGEST_NS:
            raise UserError(
                f"the window is longer than {LONGEST_NS // (60 * NS_PER_S)} min: choose a shorter one, "
                "or ask `e3p energy`"
            )
        return await self._ask(partial(_window, asked=asked, points=points))

    async def ledger(self) -> list[LedgerRow]:
        """Every sequence's account."""
        return await self._ask(read_ledger)

    async def soaks(self) -> list[Soak]:
        """The newest verdict on each soak test."""
        return await self._ask(_soaks)

    async def letters(self) -> tuple[int, list[Letter]]:
        """How many dead letters there are, and the newest of them."""

        async def work(store: Store) -> tuple[int, list[Letter]]:
            letters = await store.letters(bodies=False)
            return len(letters), letters[-MOST_LETTERS:][::-1]

        return await self._ask(work)

    async def replay(self, key: str) -> Replayed:
        """Sends one letter through the line again. Raises `UserError` where there is none."""

        async def work(store: Store) -> Replayed:
            return await replay(store, await find_letter(store, key))

        return await self._ask(work)

    async def _ask(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def with_store() -> T:
            store = self._opened()
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        return await anyio.to_thread.run_sync(anyio.run, with_store, limiter=self._room)


async def _documents(store: Store) -> Documents:
    return Documents(
        [result_of(revision) for revision in await store.latest("result")],
        [msgspec.json.decode(revision.doc, type=Ranking) for revision in await store.latest("ranking")],
        [event_of(revision.doc) for revision in await store.latest(EVENT)],
        await _soaks(store),
    )


async def _soaks(store: Store) -> list[Soak]:
    return [msgspec.json.decode(revision.doc, type=Soak) for revision in await store.latest(SOAK)]


async def _window(store: Store, asked: Asked, points: int) -> Told:
    places = await store.places(asked.node)
    if not places:
        raise UserError(f"node {asked.node!r} has nothing in the store")
    streams = await boots_during(store, places, asked.begin, asked.end)
    if asked.stream not in streams:
        known = f"its streams are {', '.join(sorted(streams))}" if streams else "it never sent power"
        raise UserError(f"node {asked.node!r} has no power stream {asked.stream!r}: {known}")
    boots = streams[asked.stream]
    archive = Archive(store, asked.node, [place.key for place in places])
    evidence = await archive.evidence(boots.spans, {}, only=asked.stream)
    meters = (await read_meters(store)).get(asked.node, ())
    if meters and asked.stream == min(streams):
        evidence = await with_meters(store, meters, evidence, asked.begin, asked.end)
    batches = await _batches(store, places, boots)
    shown = picture(_readings(evidence, asked.stream), asked.begin, asked.end, batches, most=points)
    return Told(shown, interval_results(asked.node, asked.begin, asked.end, evidence, overlaps=boots.overlap))


def _readings(evidence: Evidence, stream: str) -> Readings:
    frames = [pair for power in evidence.power if power.stream == stream for pair in power.frames]
    told = evidence.manifest.streams if evidence.manifest else ()
    info = next((info for info in told if info.stream == stream), None)
    return Readings(frames, info.total if info else None, facts_of(info) if info else SensorFacts())


async def _batches(store: Store, places: list[Place], boots: Boots) -> list[tuple[int, int]]:
    """The batches that were marked during the window, node time ns."""
    found: list[tuple[int, int]] = []
    for span in boots.spans:
        for place in places:
            if place.key.boot != span.boot or not place.key.stream.startswith("marks/"):
                continue
            for frame in await store.covering(place.key, span.begin, span.end + MARK_LAG_NS):
                for event in frame.events if isinstance(frame, MarksFrame) else ():
                    if isinstance(event, (Batches, Work)):
                        edges = zip(unpack("q", event.begin), unpack("q", event.end), strict=True)
                        found += [
                            (int(b) + span.shift, int(e) + span.shift)
                            for b, e in edges
                            if e >= span.begin and b <= span.end
                        ]
    return found
