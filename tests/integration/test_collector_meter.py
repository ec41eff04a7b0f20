"""The minimal meter and the dead letters' way back, on a SQLite store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from collector.letters import drop_letters, find_letter, letter_key, make_letter, replay
from telemetry.contract.columns import pack
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.frames import PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Letter, Verdict
from telemetry.store.sqlite import SqliteStore
from tests.collecting import ANCHOR, KEY, TOPIC, Moody, payload, running

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
WALL = StreamKey("wall", "meter-2026-01-05", "power/main")
WALL_TOPIC = "e3p/v1/wall/power/main"
START = 1_767_614_400 * SECOND


def message(*seconds: int) -> bytes:
    times = pack("q", [START + at * SECOND for at in seconds])
    return msgspec.msgpack.encode({"v": 1, "t": times, "ch": ["total"], "w": pack("f", [5.0] * len(seconds))})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


async def seconds_stored(store: SqliteStore) -> list[int]:
    frames = await store.frames(WALL, IntervalSet.below(100))
    return [(frame.t0 - START) // SECOND for _, frame in frames]


async def test_a_meter_without_an_envelope_is_stored(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(WALL_TOPIC, message(0, 1))
        await line.intake.take(WALL_TOPIC, b'{"v":1,"t":["1767614402000000000"],"ch":["total"],"w":[[5.5]]}')
        await line.until_settled(IntervalSet.below(2), WALL)
    frames = await store.frames(WALL, IntervalSet.below(9))
    assert [(seq, frame.samples) for seq, frame in frames if isinstance(frame, PowerFrame)] == [
        (0, 2),
        (1, 1),
    ]


async def test_a_meter_s_repeats_are_passed_over(store: SqliteStore) -> None:
    async with running(store) as line:
        for at in (0, 1, 1, 0, 2):
            await line.intake.take(WALL_TOPIC, message(at))
        await line.until_settled(IntervalSet.below(3), WALL)
        assert line.counted("repeats_total") == 2
    assert await seconds_stored(store) == [0, 1, 2]


async def test_a_restarted_collector_goes_on_where_the_meter_s_day_stands(store: SqliteStore) -> None:
    for times in ((0, 1), (1, 2), (2, 3)):
        async with running(store) as line:
            for at in times:
                await line.intake.take(WALL_TOPIC, message(at))
    assert await seconds_stored(store) == [0, 1, 2, 3]


async def test_a_meter_s_message_that_is_shed_leaves_no_hole(store: SqliteStore) -> None:
    moody = Moody(store)
    async with running(moody) as line:
        await line.intake.take(WALL_TOPIC, message(0))
        await line.until_settled(IntervalSet.of([0]), WALL)
        moody.leave()
        await line.intake.take("e3p/v1/other/power/main", message(0))
        assert line.counted("shed_total", bound="store") == 1
        moody.come_back()
        await line.intake.take(WALL_TOPIC, message(1))
        await line.until_settled(IntervalSet.below(2), WALL)


async def test_falling_times_within_a_message_are_a_letter(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(WALL_TOPIC, message(5, 4))
        await line.until(line.source.announced)
    assert (await store.letters())[0].reason.startswith("field t: ")


async def bury(store: SqliteStore, topic: str, body: bytes) -> Letter:
    letter = make_letter(topic, body, Refused("decode", "payload", "by a version that knew less"), 1)
    await store.bury([letter])
    return letter


async def test_a_letter_that_is_good_now_is_stored_and_no_letter_any_more(store: SqliteStore) -> None:
    outcome = await replay(store, await bury(store, TOPIC, payload(0)))
    assert (outcome.taken, outcome.verdict) == (True, Verdict.STORED)
    assert not await store.letters()
    assert [account.stored for account in await store.accounts()] == [IntervalSet.of([0])]


async def test_a_letter_whose_frame_came_otherwise_is_a_repeat(store: SqliteStore) -> None:
    letter = await bury(store, TOPIC, payload(0))
    async with running(store) as line:
        await line.send(0)
        await line.until_settled(IntervalSet.of([0]))
    assert (await replay(store, letter)).verdict is Verdict.REPEAT
    assert not await store.letters()


@pytest.mark.parametrize("body", [b"\xc1", payload(0, anchor=ANCHOR + 5), payload(1, watts=9.0)])
async def test_a_letter_that_is_still_bad_stays_the_same_letter(store: SqliteStore, body: bytes) -> None:
    async with running(store) as line:
        for seq in (0, 1):
            await line.send(seq)
        await line.until_settled(IntervalSet.below(2))
    letter = await bury(store, TOPIC, body)
    outcome = await replay(store, letter)
    assert not outcome.taken
    assert outcome.reason
    assert await store.letters() == [letter]


async def test_a_letter_without_its_body_says_so(store: SqliteStore) -> None:
    letter = await bury(store, TOPIC, bytes(5_000_000))
    outcome = await replay(store, letter)
    assert outcome.reason
    assert outcome.reason.endswith("(its body was not kept)")


async def test_a_meter_s_letter_finds_its_number(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(WALL_TOPIC, message(0))
        await line.until_settled(IntervalSet.of([0]), WALL)
    assert (await replay(store, await bury(store, WALL_TOPIC, message(1)))).verdict is Verdict.STORED
    assert (await replay(store, await bury(store, WALL_TOPIC, message(0)))).verdict is Verdict.REPEAT
    assert await seconds_stored(store) == [0, 1]


async def test_a_letter_is_found_by_the_begin_of_its_key(store: SqliteStore) -> None:
    letter = await bury(store, TOPIC, b"\x01")
    assert await find_letter(store, letter.key[:8]) == letter


@pytest.mark.parametrize("key", ["", "zz"])
async def test_an_unknown_key_is_named(store: SqliteStore, key: str) -> None:
    await bury(store, TOPIC, b"\x01")
    with pytest.raises(UserError, match="no such dead letter"):
        await find_letter(store, key)


async def test_a_dropped_letter_leaves_its_frame_missing(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(TOPIC, payload(0, v=9))
        await line.send(1)
        await line.until_settled(IntervalSet.below(2))
    await drop_letters(store, await store.letters())
    (account,) = await store.accounts()
    assert (account.key, account.dead) == (KEY, IntervalSet())


def test_a_letter_s_key_tells_topic_and_body_apart() -> None:
    assert letter_key("a", b"b") == letter_key("a", b"b")
    assert letter_key("a", b"b") != letter_key("b", b"a")
