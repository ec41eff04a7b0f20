"""The analyzer at work: a real SQLite store, a real broker, the doorbell; results told and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from analyzer import closing, desk
from analyzer.app import Analyzer
from analyzer.exclusions import exclude
from analyzer.meters import put_join
from analyzer.query import reanalyze
from analyzer.settings import AnalyzerSettings
from telemetry.contract import marks
from telemetry.contract.decode import Received
from telemetry.contract.documents import EventRefused, MeterJoin, Result
from telemetry.contract.encode import encode
from telemetry.contract.ranking import Ranking
from telemetry.contract.replies import Stored, StoredStream
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link, Message
from telemetry.runtime.service import run_services
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import ANCHOR, NODE, Maker, S, batches, begin, end, trial
from tests.collecting import Moody, until

pytestmark = pytest.mark.anyio

MAKER = Maker()
FRAMES = [MAKER.manifest(), *MAKER.powers(0, 9)]
SWEEP_S = 0.5
REFERENCE = marks.AccuracyRef(value=0.8, n=50_000, origin="timm")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of patience are half a second here: nothing else changes."""
    monkeypatch.setattr(closing, "PATIENCE_S", 0.5)
    monkeypatch.setattr(desk, "PATIENCE_S", 0.5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


class Room:
    """What the tests see of the fleet: they ring the doorbell, and hear what the analyzer tells."""

    def __init__(self, address: Address, store: Store) -> None:
        self.address = address
        self.store = store
        self.link = Link(address, client_id="room", filters=["e3p/v1/+/result", "e3p/v1/fleet/ranking/#"])
        self.heard: list[Message] = []

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            async for message in self.link.inbox():
                self.heard.append(message)

    async def ring(self, *frames: Received) -> None:
        """Puts frames into the store and says so, as a collector does."""
        await self.store.write(frames)
        streams = [
            StoredStream(
                boot=r.key.boot, stream=r.key.stream, through=-1, ranges=((r.frame.seq, r.frame.seq),)
            )
            for r in frames
        ]
        stored = encode(Stored(streams=tuple(streams)))
        await self.link.publish(f"e3p/v1/{frames[0].key.node}/stored", stored)

    def results(self) -> list[Result]:
        bodies = [m.payload for m in self.heard if m.topic == f"e3p/v1/{NODE}/result"]
        return [msgspec.json.decode(body, type=Result) for body in bodies if b"event_refused" not in body]

    def refused(self) -> list[EventRefused]:
        bodies = [m.payload for m in self.heard if m.topic == f"e3p/v1/{NODE}/result"]
        return [msgspec.json.decode(body, type=EventRefused) for body in bodies if b"event_refused" in body]

    def rankings(self) -> list[Ranking]:
        return [
            msgspec.json.decode(m.payload, type=Ranking)
            for m in self.heard
            if m.topic == "e3p/v1/fleet/ranking/jetson-tx2/imagenet"
        ]

    async def until_told(self, count: int) -> Result:
        """The last of so many results."""
        await until(lambda: len(self.results()) >= count)
        assert len(self.results()) == count
        return self.results()[-1]


@pytest.fixture
async def room(store: SqliteStore) -> AsyncIterator[Room]:
    async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
        one = Room(Address.parse(broker.url), store)
        tasks.start_soon(one.run)
        await one.link.until_connected()
        yield one
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def analyzing(room: Room, store: Store, sweep_s: float = 60.0) -> AsyncIterator[None]:
    """An analyzer at work; left, it stops as the program does."""
    stop = anyio.Event()
    parts = Analyzer(AnalyzerSettings(sweep_s=sweep_s), store, room.address).services

    async def run() -> None:
        await run_services(parts, stop=stop)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        link = parts[0]
        assert isinstance(link, Link)
        await link.until_connected()
        yield
        stop.set()


async def documents(store: Store) -> list[tuple[str, int, bytes]]:
    """Every revision of every document."""
    latest = [each for kind in ("result", "ranking", "event_refused") for each in await store.latest(kind)]
    every = [revision for each in latest for revision in await store.history(each.kind, each.id)]
    return [(each.id, each.revision, each.doc) for each in every]


async def test_a_result_is_told_and_stored_once_and_ranked(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store):
        await room.ring(*FRAMES, MAKER.marks(0, begin(2, accuracy_ref=REFERENCE), batches(8), end(8.5)))
        told = await room.until_told(1)
        await until(room.rankings)
        await room.ring(*FRAMES)
    (kept,) = await store.latest("result")
    assert msgspec.json.decode(kept.doc, type=Result) == told
    assert (told.state, told.revision, told.reason) == ("valid", 1, "complete")
    assert told.energy_j == pytest.approx(65.0)
    assert [row.model for row in room.rankings()[-1].rows] == ["vit"]
    assert len(room.results()) == 1


async def test_late_frames_make_a_revision_that_says_why(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store):
        await room.ring(*FRAMES[:5], *FRAMES[6:], trial(MAKER, 2, 8.5))
        first = await room.until_told(1)
        await room.ring(FRAMES[5])
        second = await room.until_told(2)
    assert (first.revision, first.reason) == (1, "1 frames were still missing")
    assert "frames_missing" in first.reasons
    assert (second.revision, second.reason, second.state) == (2, "late frames", "valid")
    assert [revision.revision for revision in await store.history("result", f"{NODE}/t1/main")] == [1, 2]


async def test_a_meters_late_frames_revise_the_devices_result(room: Room, store: SqliteStore) -> None:
    wall = Maker("m1", node="wall", watts=30.0)
    pings = [maker.clock(0, *[maker.exchange(at / 10) for at in range(15)]) for maker in (MAKER, wall)]
    join = MeterJoin(meter="wall", stream="main", of=NODE, joined=True, at=1, clock_u95_ns=S)
    await put_join(store, join)
    async with analyzing(room, store):
        await room.ring(wall.manifest(), pings[1], *wall.powers(0, 4))
        await room.ring(*FRAMES, pings[0], trial(MAKER, 2, 8.5))
        await until(lambda: [result.meter for result in room.results()].count("wall") == 1)
        await room.ring(*wall.powers(5, 9))
        await until(lambda: [result.meter for result in room.results()].count("wall") == 2)
    first, last = [result for result in room.results() if result.meter]
    assert ("frames_missing" in first.reasons, last.reasons) == (True, ("no_ledger",))
    assert last.energy_j == pytest.approx(195.0, rel=1e-3)


async def test_a_restart_changes_nothing_and_neither_does_computing_again(
    room: Room, store: SqliteStore
) -> None:
    hole = Maker("b3", anchor=ANCHOR + 100 * S)
    broken = [hole.manifest(), *hole.powers(0, 4), *hole.powers(6, 9), trial(hole, 2, 8.5, "t3")]
    async with analyzing(room, store):
        await room.ring(*FRAMES, MAKER.marks(0, begin(2, accuracy_ref=REFERENCE), batches(8), end(8.5)))
        await room.ring(MAKER.clock(0, MAKER.exchange(1)), MAKER.health(0, 9, temp_c={"cpu": 50.0}))
        await room.ring(*broken, MAKER.marks(1, end(9)))
        await until(lambda: len(room.results()) >= 2 and room.refused())
        await until(lambda: room.rankings() and room.rankings()[-1].refused)
    before = await documents(store)
    heard = len(room.results())
    async with analyzing(room, store, SWEEP_S):
        await anyio.sleep(3 * SWEEP_S)
    assert await documents(store) == before
    assert len(room.results()) == heard
    assert await reanalyze(store, -(2**63), 1) == []
    assert await documents(store) == before


async def test_frames_that_were_stored_while_it_was_away_are_found_at_its_start(
    room: Room, store: SqliteStore
) -> None:
    await store.write([*FRAMES, trial(MAKER, 2, 8.5)])
    async with analyzing(room, store):
        assert (await room.until_told(1)).state == "valid"


async def test_frames_that_nobody_rang_for_are_found_by_the_sweep(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store, SWEEP_S):
        await room.ring(*FRAMES[:5], *FRAMES[6:], trial(MAKER, 2, 8.5))
        await room.until_told(1)
        await store.write([FRAMES[5]])
        assert (await room.until_told(2)).state == "valid"


async def test_a_store_that_is_away_for_a_while_loses_no_result(room: Room, store: SqliteStore) -> None:
    moody = Moody(store)
    async with analyzing(room, moody):  # type: ignore[arg-type]
        await room.ring(*FRAMES)
        moody.leave()
        await room.ring(trial(MAKER, 2, 8.5))
        await until(lambda: moody.refusals)
        moody.come_back()
        assert (await room.until_told(1)).state == "valid"


async def test_a_store_that_is_away_at_the_start_is_waited_for(room: Room, store: SqliteStore) -> None:
    moody = Moody(store)
    await store.write([*FRAMES, trial(MAKER, 2, 8.5)])
    moody.leave()
    async with analyzing(room, moody):  # type: ignore[arg-type]
        await until(lambda: moody.refusals)
        moody.come_back()
        assert (await room.until_told(1)).state == "valid"


async def test_what_is_no_stored_message_is_passed_over(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store):
        for payload in (b"", b"\xff\x00", b'{"v":2}', b'{"v":1,"streams":7}', b"{" * 2000):
            await room.link.publish(f"e3p/v1/{NODE}/stored", payload)
        await room.ring(*FRAMES, trial(MAKER, 2, 8.5))
        assert (await room.until_told(1)).state == "valid"


async def test_a_refused_event_is_told_and_stored_once(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store, SWEEP_S):
        await room.ring(*FRAMES, MAKER.marks(0, begin(2), batches(8), end(8.5), end(9)))
        await until(room.refused)
        await anyio.sleep(2 * SWEEP_S)
    (kept,) = await store.latest("event_refused")
    (told,) = room.refused()
    assert msgspec.json.decode(kept.doc, type=EventRefused) == told
    assert (told.node, told.boot, told.stream, told.seq) == (NODE, "b1", "marks/app", 0)
    assert (told.event, told.trial) == ("trial_end", "t1")


async def test_a_revision_that_another_program_wrote_is_followed(room: Room, store: SqliteStore) -> None:
    async with analyzing(room, store):
        await room.ring(*FRAMES[:4], *FRAMES[6:], trial(MAKER, 2, 8.5))
        await room.until_told(1)
        await store.write([FRAMES[4]])
        (change,) = await reanalyze(store, -(2**63), 77)
        assert (change.result.revision, change.result.reason) == (2, "reanalyzed")
        await room.ring(FRAMES[5])
        last = await room.until_told(2)
    assert (last.revision, last.state) == (3, "valid")


async def test_the_ranking_is_told_again_to_a_broker_that_forgot(store: SqliteStore) -> None:
    await store.write([*FRAMES, MAKER.marks(0, begin(2, accuracy_ref=REFERENCE), batches(8), end(8.5))])
    for _ in range(2):
        async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
            room = Room(Address.parse(broker.url), store)
            tasks.start_soon(room.run)
            await room.link.until_connected()
            async with analyzing(room, store):
                await until(room.rankings)
            tasks.cancel_scope.cancel()


async def test_an_exclusion_is_heeded_at_the_next_look_through_the_store(
    room: Room, store: SqliteStore
) -> None:
    async with analyzing(room, store, SWEEP_S):
        await room.ring(*FRAMES, MAKER.marks(0, begin(2, accuracy_ref=REFERENCE), batches(8), end(8.5)))
        await until(room.rankings)
        await exclude(store, "t1", "the fan was off", 1)
        await until(lambda: not room.rankings()[-1].rows)
    (refused,) = room.rankings()[-1].refused
    assert refused.reason == "trial t1: excluded: the fan was off"
