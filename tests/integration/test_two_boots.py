"""Two agents under one name, as the collector and its store see them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest

from collector.desk import Times
from collector.presence import BOTH_S
from e3p.settings import load
from e3p.store_check import examine_store
from telemetry.contract.encode import encode
from telemetry.contract.events import TwoBoots
from telemetry.contract.frames import HealthFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.events import read_events
from telemetry.store.interface import Revision
from telemetry.store.sqlite import SqliteStore
from tests.collecting import ANCHOR, NODE, Line, Moody, power, running, stream_health
from tests.commands import e3p

pytestmark = pytest.mark.anyio

EVENT = "e3p/v1/fleet/event"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


class Clock:
    """The collector's rising clock, moved by hand."""

    def __init__(self, line: Line) -> None:
        self.s = 0.0
        times = line.desk.times
        line.desk.times = Times(times.utc_ns, lambda: times.now_s() + self.s)


async def report(line: Line, boot: str, seq: int) -> None:
    stream = msgspec.structs.replace(stream_health(seq), boot=boot)
    frame = HealthFrame(v=1, boot=boot, seq=seq, anchor=ANCHOR, t0=seq, streams=(stream,))
    await line.intake.take(f"e3p/v1/{NODE}/health/node", encode(frame))


async def live_together(line: Line, seqs: range = range(4)) -> None:
    """Both report and send frames with the same numbers, and different readings."""
    clock = Clock(line)
    for seq in seqs:
        for boot, watts in (("b1", 1.0), ("b2", 2.0)):
            await report(line, boot, seq)
            frame = msgspec.structs.replace(power(seq, watts=watts), boot=boot)
            await line.intake.take(f"e3p/v1/{NODE}/power/main", encode(frame))
        clock.s += BOTH_S


async def kept(store: SqliteStore) -> Revision:
    """The one event that the store holds, once it does: it is told first."""
    with anyio.fail_after(20):
        while not (found := await store.latest("event")):  # noqa: ASYNC110 - a store rings no bell
            await anyio.sleep(0.002)
    (event,) = found
    return event


def told(line: Line) -> list[TwoBoots]:
    return [json_of(message.payload) for message in line.source.sent if message.topic == EVENT]


def json_of(payload: bytes) -> TwoBoots:
    return msgspec.json.decode(payload, type=TwoBoots)


async def test_the_later_boot_is_named_in_one_event_that_is_stored_and_told(store: SqliteStore) -> None:
    async with running(store) as line:
        await live_together(line)
        await kept(store)
    (event,) = told(line)
    assert (event.node, event.boots) == (NODE, ("b1", "b2"))
    assert json_of((await kept(store)).doc) == event
    assert line.counted("events_total", kind="two_boots") == 1


async def test_both_keep_their_data_and_nothing_is_mixed(store: SqliteStore) -> None:
    async with running(store) as line:
        await live_together(line)
        for boot in ("b1", "b2"):
            await line.until_settled(IntervalSet.below(4), StreamKey(NODE, boot, "power/main"))
    for boot, watts in (("b1", 1.0), ("b2", 2.0)):
        frames = await store.frames(StreamKey(NODE, boot, "power/main"), IntervalSet.below(4))
        assert [frame for _, frame in frames] == [
            msgspec.structs.replace(power(seq, watts=watts), boot=boot) for seq in range(4)
        ]
    assert not await store.letters()


async def test_a_collector_that_starts_again_does_not_tell_it_again(store: SqliteStore) -> None:
    async with running(store) as line:
        await live_together(line)
        await kept(store)
    async with running(store) as line:
        await live_together(line, range(4, 8))
        await line.until(lambda: line.counted("events_total", kind="two_boots"))
        await anyio.sleep(0.05)
    assert told(line) == []
    await kept(store)


async def test_an_event_waits_for_store_and_link(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.events.AGAIN_S", 0.002)
    moody = Moody(store)
    async with running(moody) as line:
        moody.leave()
        line.source.down = True
        await live_together(line)
        await line.until(lambda: moody.refusals > 5)
        moody.come_back()
        await anyio.sleep(0.01)
        line.source.down = False
        await kept(store)
        assert len(told(line)) >= 1


async def test_the_ledger_shows_the_event_beside_the_frames(store: SqliteStore, tmp_path: Path) -> None:
    async with running(store) as line:
        await live_together(line)
        await kept(store)
    assert [event.kind for event in await read_events(store, time.time_ns(), node=NODE)] == ["two_boots"]
    await store.close()
    url = f"sqlite:///{tmp_path / 'e3p.db'}"
    said = await anyio.to_thread.run_sync(lambda: e3p("ledger", "--store", url))
    assert "two agents run under the name n1: boot b2 beside boot b1" in said.out
    said = await anyio.to_thread.run_sync(lambda: e3p("ledger", "--store", url, "--json"))
    assert [event["kind"] for event in json.loads(said.out)["events"]] == ["two_boots"]


async def test_the_doctor_of_the_server_tells_of_it(store: SqliteStore, tmp_path: Path) -> None:
    async with running(store) as line:
        await live_together(line)
        await kept(store)
    await store.close()
    settings = load(None, store=f"sqlite:///{tmp_path / 'e3p.db'}")
    findings = await examine_store(settings)
    assert [(each.topic, each.name, each.well) for each in findings][1:] == [("event", "two_boots", False)]
