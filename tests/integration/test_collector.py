"""The collector on a SQLite store, without a broker: what is told is stored, whatever comes in."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.settings import CollectorSettings
from telemetry.contract.encode import encode
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import State
from telemetry.store.interface import Account
from telemetry.store.sqlite import SqliteStore
from tests.collecting import (
    ANCHOR,
    BOOT,
    KEY,
    NODE,
    STREAM,
    TOPIC,
    Line,
    Moody,
    health,
    payload,
    running,
    stream_health,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


async def account(store: SqliteStore) -> Account:
    (found,) = [each for each in await store.accounts() if each.key == KEY]
    return found


async def test_what_is_told_as_stored_is_stored(store: SqliteStore) -> None:
    async with running(store) as line:
        for seq in range(20):
            await line.send(seq)
        await line.until_settled(IntervalSet.below(20))
        assert (await account(store)).stored == IntervalSet.below(20)
        assert (await account(store)).samples == 80


async def test_nothing_is_told_while_the_store_is_away(store: SqliteStore) -> None:
    moody = Moody(store)
    async with running(moody) as line:
        await line.send(0)
        await line.until_settled(IntervalSet.of([0]))
        moody.leave()
        before = moody.refusals
        await line.send(1)
        await line.until(lambda: moody.refusals > before + 3)
        assert line.source.settled() == IntervalSet.of([0])
        assert line.writer.store_away
        moody.come_back()
        await line.until_settled(IntervalSet.of([0, 1]))
        assert line.writer.store_away is None


async def test_a_store_away_at_the_start_loses_nothing(store: SqliteStore) -> None:
    moody = Moody(store)
    moody.leave()
    async with running(moody) as line:
        for seq in range(3):
            await line.send(seq)
        await line.until(lambda: moody.refusals > 3)
        moody.come_back()
        await line.until_settled(IntervalSet.below(3))


async def test_memory_is_bounded_while_the_store_is_away_and_the_rest_is_shed(store: SqliteStore) -> None:
    moody = Moody(store)
    moody.leave()
    async with running(moody, CollectorSettings(queue_samples=40)) as line:
        for seq in range(100):
            await line.send(seq)
            assert line.desk.gather.held.samples <= 40
        assert line.counted("shed_total", bound="memory") == 90
        moody.come_back()
        await line.until_settled(IntervalSet.below(10))
        for seq in range(10, 100):  # their node still has them
            await line.until(lambda: line.desk.gather.held.samples <= 36)
            await line.send(seq)
        await line.until_settled(IntervalSet.below(100))


async def test_an_unknown_error_of_the_store_stops_the_program(store: SqliteStore) -> None:
    moody = Moody(store)
    line = Line(moody)
    moody.mood = RuntimeError("torn")
    await line.send(0)
    with pytest.raises(RuntimeError, match="torn"):
        await line.writer.run()


async def test_random_bytes_between_good_frames_lose_none_of_them(store: SqliteStore) -> None:
    noise = random.Random(7)
    async with running(store) as line:
        bodies = []
        for seq in range(200):
            bodies.append(noise.randbytes(noise.randrange(1, 60)))
            await line.intake.take(TOPIC, bodies[-1])
            await line.send(seq)
        await line.until_settled(IntervalSet.below(200))
    letters = await store.letters()
    assert sorted(letter.body or b"" for letter in letters) == sorted(set(bodies))
    assert len(line.source.announced()) == len(set(bodies))


async def test_a_letter_with_a_readable_envelope_is_settled_once_it_is_buried(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(TOPIC, payload(0, v=9))
        await line.until_settled(IntervalSet.of([0]))
        (letter,) = await store.letters()
        assert letter.reason.startswith("version v: ")
        assert (letter.stream, letter.seq) == (KEY, 0)
        assert [dead.key for dead in line.source.announced()] == [letter.key]
        assert (await account(store)).dead == IntervalSet.of([0])


async def test_a_repeated_letter_is_the_same_letter_announced_once(store: SqliteStore) -> None:
    async with running(store) as line:
        for _ in range(3):
            await line.intake.take(TOPIC, b"\xc1")
            await line.intake.take(TOPIC, payload(4, v=9))
            await line.until_settled(IntervalSet.of([4]))
        assert len(await store.letters()) == 2
        assert len(line.source.announced()) == 2


async def test_another_body_for_a_stored_key_is_a_letter(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.send(0, watts=1.0)
        await line.send(0, watts=2.0)
        await line.until(line.source.announced)
        (letter,) = await store.letters()
        assert letter.reason.startswith("conflict seq: ")
        assert letter.body == payload(0, watts=2.0)
        assert (await account(store)).stored == IntervalSet.of([0])


async def test_another_anchor_in_a_boot_is_a_letter_and_settled(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.send(0)
        await line.send(1, anchor=ANCHOR + 1)
        await line.until_settled(IntervalSet.below(2))
        (letter,) = await store.letters()
        assert letter.reason.startswith("anchor anchor: ")
        assert (await account(store)).dead == IntervalSet.of([1])


async def test_a_letter_of_a_json_frame_keeps_what_was_sent(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.send(0)
        await line.send(0, watts=3.0, encoding="json")
        await line.until(line.source.announced)
        assert (await store.letters())[0].body == payload(0, watts=3.0, encoding="json")


async def test_a_good_body_after_a_letter_is_stored(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(TOPIC, payload(0, v=9))
        await line.send(0)
        await line.until(lambda: line.counted("frames_total") == 1)
        held = await account(store)
        assert (held.stored, held.dead) == (IntervalSet.of([0]), IntervalSet())


async def test_a_message_of_50_mb_is_a_letter_without_its_body(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.intake.take(TOPIC, bytes(50_000_000))
        await line.send(0)
        await line.until_settled(IntervalSet.of([0]))
        (letter,) = await store.letters()
        assert letter.reason.startswith("size payload: ")
        assert letter.body is None


@pytest.mark.parametrize(
    "topic",
    [
        "e3p/v1/n1/pwoer/main",
        "e3p/v1/n1/power",
        "e3p/v1/n1/power/main/more",
        "e3p/v1/n1/power/Main",
        "e3p/v1/n 1/power/main",
        "e3p/v1/fleet/power/main",
        "e3p/v1/fleet/state",
        "e3p/v1/n1/ready",
    ],
)
async def test_a_topic_that_is_not_lawful_is_a_letter(store: SqliteStore, topic: str) -> None:
    async with running(store) as line:
        await line.intake.take(topic, payload(0))
        await line.until(line.source.announced)
        assert (await store.letters())[0].reason.startswith("topic ")
        assert not line.source.settled()


@pytest.mark.parametrize(
    "topic",
    [
        "e3p/v1/n1/about",
        "e3p/v1/n1/ping",
        "e3p/v1/n1/pong",
        "e3p/v1/n1/stored",
        "e3p/v1/n1/result",
        "e3p/v1/n1/command",
        "e3p/v1/n1/reply",
        "e3p/v1/fleet/event",
        "e3p/v1/fleet/ranking/x86-cpu/imagenet",
    ],
)
async def test_what_is_said_on_the_other_topics_is_no_letter(store: SqliteStore, topic: str) -> None:
    line = Line(store)
    await line.intake.take(topic, b"anything")
    assert not line.desk.gather


async def test_a_state_that_cannot_be_read_is_a_letter(store: SqliteStore) -> None:
    line = Line(store)
    good = encode(State(state="ready", boot=BOOT, since=1, software="e3p"))
    for body in (good, b"", b"\xc1"):  # empty: a retained state that was cleared
        await line.intake.take("e3p/v1/n1/state", body)
    assert len(line.desk.gather) == 1


async def test_a_frame_that_was_settled_already_is_told_again(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.send(0)
        await line.until_settled(IntervalSet.of([0]))
        line.source.sent.clear()
        await line.send(0)
        await line.until_settled(IntervalSet.of([0]))
        assert line.counted("repeats_total") == 1


async def test_a_restarted_collector_knows_what_is_settled(store: SqliteStore) -> None:
    async with running(store) as line:
        for seq in (0, 1, 2, 6):
            await line.send(seq)
        await line.intake.take(TOPIC, payload(3, v=9))
        report = encode(health(0, stream_health(8, declared_lost=((4, 4, 9),))))
        await line.intake.take(f"e3p/v1/{NODE}/health/agent", report)
        await line.until_settled(IntervalSet([(0, 4), (6, 6)]))
    async with running(store) as line:
        await line.send(5)
        await line.until_settled(IntervalSet.below(7))


async def test_a_stopped_collector_writes_and_tells_what_it_gathered(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(batch_age_s=3600.0)) as line:
        await line.send(0)
    assert (await account(store)).stored == IntervalSet.of([0])
    assert line.source.settled() == IntervalSet.of([0])


async def test_replies_wait_for_the_link(store: SqliteStore) -> None:
    async with running(store) as line:
        line.source.down = True
        await line.send(0)
        await line.intake.take(TOPIC, payload(1, v=9))
        await line.until(lambda: line.counted("frames_total") == 1)
        line.source.down = False
        await line.until_settled(IntervalSet.below(2))
        assert len(line.source.announced()) == 1


async def test_a_node_is_answered_in_the_encoding_that_it_speaks(store: SqliteStore) -> None:
    async with running(store) as line:
        await line.send(0, encoding="json")
        await line.until_settled(IntervalSet.of([0]))
        assert line.source.sent[-1].payload.startswith(b"{")


async def test_a_node_too_many_is_shed(store: SqliteStore) -> None:
    async with running(store, CollectorSettings(max_nodes=2)) as line:
        for node in ("n1", "n2", "n3", "n1"):
            await line.intake.take(f"e3p/v1/{node}/{STREAM}", payload(0))
        await line.until_settled(IntervalSet.of([0]), KEY._replace(node="n2"))
        assert line.counted("shed_total", bound="nodes") == 1
    assert {each.key.node for each in await store.accounts()} == {"n1", "n2"}
