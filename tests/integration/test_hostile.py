"""Hostile input at the collector: memory and store stay bounded, and honest nodes are served."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from collector.books import MAX_RANGES, Books
from collector.settings import CollectorSettings
from telemetry.contract.encode import encode
from telemetry.contract.frames import HealthFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.units import MAX_PAYLOAD_BYTES
from telemetry.store.sqlite import SqliteStore
from tests.collecting import ANCHOR, KEY, Line, payload, power, running, stream_health

pytestmark = pytest.mark.anyio

HONEST = IntervalSet.below(5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db", letter_bytes=1_000)
    await opened.open()
    yield opened
    await opened.close()


async def honest_frames_come_through(line: Line) -> None:
    for seq in range(5):
        await line.send(seq)
    await line.until_settled(HONEST)


async def drained(line: Line) -> None:
    await line.until(lambda: not line.desk.gather.held.messages)


async def test_a_flood_of_nodes_is_shed_and_known_ones_are_served(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(max_nodes=10)) as line:
        await line.send(0)
        for at in range(200):
            await line.intake.take(f"e3p/v1/x{at}/power/main", payload(0))
        await honest_frames_come_through(line)
        assert line.counted("shed_total", bound="nodes") == 191
        assert line.counted("nodes") == 10
    assert len({each.key.node for each in await store.accounts()}) == 10


async def test_a_flood_of_unreadable_nodes_is_bounded_as_well(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(max_nodes=10)) as line:
        for at in range(200):
            await line.intake.take(f"e3p/v1/x{at}/power/main", payload(0, v=9))
        assert line.counted("shed_total", bound="nodes") == 190


async def test_a_flood_of_boots_is_shed_and_the_nodes_own_boot_is_served(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(boots_per_hour=10)) as line:
        await line.send(0)
        for at in range(200):
            await line.send(0, boot=f"x{at}")
        await honest_frames_come_through(line)
        assert line.counted("shed_total", bound="boots") == 191
    assert len(await store.accounts()) == 10


async def test_a_flood_of_streams_is_shed(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(node_streams=8)) as line:
        await line.send(0)
        for at in range(100):
            await line.intake.take(f"e3p/v1/n1/power/x{at}", payload(0))
        await honest_frames_come_through(line)
        assert line.counted("shed_total", bound="streams") == 93
    assert len(await store.accounts()) == 8


async def test_a_health_report_that_names_a_thousand_boots_makes_none_of_them(store: SqliteStore) -> None:
    named = tuple(msgspec.structs.replace(stream_health(1), boot=f"x{at}") for at in range(1000))
    frame = HealthFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=0, streams=named)
    async with running(store, CollectorSettings(boots_per_hour=10)) as line:
        await line.intake.take("e3p/v1/n1/health/node", encode(frame))
        await honest_frames_come_through(line)
        assert line.counted("shed_total", bound="boots") == 1
    assert {each.key.boot for each in await store.accounts()} == {"b1"}


async def test_a_device_whose_many_boots_are_honest_is_let_in_bit_by_bit(store: SqliteStore) -> None:
    """An agent that crashed for hours while it was offline names more boots than an hour's share."""
    named = tuple(msgspec.structs.replace(stream_health(1), boot=f"b{at}") for at in range(25))
    frame = HealthFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=0, streams=named)
    line = Line(store, CollectorSettings(boots_per_hour=10))
    hours = [0.0]
    line.desk.times = type(line.desk.times)(line.desk.times.utc_ns, lambda: 3600.0 * hours[0])
    for hour in range(3):
        hours[0] = float(hour)
        await line.intake.take("e3p/v1/n1/health/node", encode(frame))
    assert line.counted("shed_total", bound="boots") == 2
    assert line.desk.gather.held.messages == 1


async def test_a_meter_that_jumps_through_the_days_is_bounded(store: SqliteStore) -> None:
    day_ns = 86_400 * 10**9
    async with running(store, CollectorSettings(boots_per_hour=10)) as line:
        for at in range(100):
            meter = {"v": 1, "t": [at * day_ns], "ch": ["total"], "w": [[1.0]]}
            await line.intake.take("e3p/v1/n1/power/main", msgspec.json.encode(meter))
        assert line.counted("shed_total", bound="boots") == 90
    assert len(await store.accounts()) == 10


async def test_letters_beyond_the_size_keep_key_reason_and_hash(store: SqliteStore) -> None:
    async with running(store) as line:
        for at in range(50):
            await line.intake.take("e3p/v1/n1/power/main", b"\xc1" + bytes([at]) * 99)
        await drained(line)
    letters = await store.letters()
    assert len({letter.key for letter in letters}) == 50
    assert all(letter.reason.startswith("decode payload") for letter in letters)
    assert sum(len(letter.body or b"") for letter in letters) <= 1_000


async def test_a_message_larger_than_the_contract_allows_keeps_no_body(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take("e3p/v1/n1/power/main", bytes(MAX_PAYLOAD_BYTES + 1))
        await drained(line)
    (letter,) = await store.letters()
    assert letter.body is None
    assert letter.reason.startswith("size payload")


async def test_letters_with_huge_topics_and_paths_take_no_room(store: SqliteStore, tmp_path: Path) -> None:
    deep: object = {"a": 1}
    for _ in range(14):
        deep = {"k" * 256: deep, "x": ["y" * 300]}
    async with running(store) as line:
        for at in range(20):
            await line.intake.take(f"e3p/v1/n1/{'t' * 60_000}{at}", b"{}")
        await line.intake.take("e3p/v1/n1/power/main", msgspec.msgpack.encode({"v": 1, "deep": deep}))
        await drained(line)
    letters = await store.letters(bodies=False)
    assert len(letters) == 21
    assert max(len(letter.topic) + len(letter.reason) for letter in letters) < 1_500


async def test_a_flood_of_letters_ends_at_their_number_and_honest_frames_come_through(
    store: SqliteStore, tmp_path: Path
) -> None:
    async with running(store, CollectorSettings(max_letters=20, batch_frames=5)) as line:
        for at in range(300):
            await line.intake.take("e3p/v1/n1/power/main", f"poison {at}".encode())
            await drained(line)
        for seq in range(5):  # other bodies under stored keys are letters too
            await line.send(seq)
        await line.until_settled(HONEST)
        for at in range(50):
            await line.send(0, watts=float(at + 10))
        await drained(line)
        assert line.counted("shed_total", bound="letters") == 330
    with sqlite3.connect(tmp_path / "e3p.db") as db:
        assert db.execute("SELECT count(*) FROM letter").fetchone() == (20,)
    db.close()


async def test_letters_are_taken_again_once_a_person_dropped_some(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.writer.RECOUNT_S", 0.01)
    async with running(store, CollectorSettings(max_letters=3)) as line:
        for at in range(3):
            await line.intake.take("e3p/v1/n1/power/main", f"poison {at}".encode())
            await drained(line)
        await line.intake.take("e3p/v1/n1/power/main", b"one too many")
        assert line.counted("shed_total", bound="letters") == 1
        await store.drop_letters([letter.key for letter in await store.letters()])
        await line.until(lambda: line.desk.letters == 0)
        await line.intake.take("e3p/v1/n1/power/main", b"taken")
        await drained(line)
    assert len(await store.letters()) == 1


async def test_a_sequence_full_of_holes_takes_no_more_room_than_its_bound() -> None:
    books = Books(10)
    for seq in range(0, 4 * MAX_RANGES, 2):
        books.settle(KEY, IntervalSet.of([seq]))
    held = books.settled(KEY)
    assert len(held.ranges) == MAX_RANGES
    assert held.through == 0
    assert 4 * MAX_RANGES - 2 in held


async def test_two_nodes_with_one_boot_id_are_two_nodes(store: SqliteStore) -> None:
    """Boot ids are no secret, and nothing is gained by taking another's."""
    async with running(store) as line:
        await honest_frames_come_through(line)
        await line.intake.take("e3p/v1/thief/power/main", encode(power(0, watts=99.0)))
        await line.until_settled(IntervalSet.of([0]), StreamKey("thief", KEY.boot, KEY.stream))
    frames = await store.frames(KEY, IntervalSet.of([0]))
    assert frames == [(0, power(0))]
