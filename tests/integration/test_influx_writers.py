"""Frames in InfluxDB 2 that are written twice, by two programs or half: none is lost, none counts twice."""

from __future__ import annotations

import pytest

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx import InfluxStore, known
from telemetry.store.interface import StoreUnavailable, Verdict
from tests.contracts.store.builders import ANCHOR, POWER, S, account, health, power, word
from tests.influx import influx_store
from tests.servers import Influx

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


async def test_frames_that_two_programs_store_at_once_count_once(
    influx: Influx, bucket: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = influx_store(influx, bucket)
    await other.open()

    async def deaf() -> bool:
        return False

    frames = [power(seq, missed=1) for seq in range(4)]
    await store.write([power(9)])
    await other.write([power(8)])
    monkeypatch.setattr(store._ledger, "others_wrote", deaf)
    monkeypatch.setattr(other._ledger, "others_wrote", deaf)
    assert list(await store.write(frames)) == [Verdict.STORED] * 4
    assert list(await other.write(frames)) == [Verdict.STORED] * 4
    both = await account(other)
    assert (both.samples, both.missed) == (6 * 4, 4)
    assert both.stored == IntervalSet([(0, 3), (8, 9)])
    await other.close()


async def test_a_writer_sees_what_another_wrote_since(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    other = influx_store(influx, bucket)
    await other.open()
    await store.write([power(0)])
    for seq in range(1, 6):
        writer = other if seq % 2 else store
        assert await writer.write([power(seq)]) == [Verdict.STORED]
        assert await writer.write([power(seq - 1)]) == [Verdict.REPEAT]
    assert await other.write([power(0, missed=9)]) == [Verdict.CONFLICT]
    await other.close()


async def test_a_writer_sees_what_another_wrote_after_an_answer_that_was_lost(
    influx: Influx, bucket: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = influx_store(influx, bucket)
    await other.open()
    await store.write([power(0)])
    real = store._server.write

    async def unheard(into: str, lines: bytes) -> None:
        await real(into, lines)
        if into == f"{bucket}-results":
            raise StoreUnavailable("the line was cut")

    monkeypatch.setattr(store._server, "write", unheard)
    with pytest.raises(StoreUnavailable):
        await store.write([power(1)])
    assert await other.write([power(1)]) == [Verdict.REPEAT]
    monkeypatch.setattr(store._server, "write", real)
    assert await store.write([power(1), power(2)]) == [Verdict.STORED] * 2
    assert await other.write([power(2, missed=9)]) == [Verdict.CONFLICT]
    await other.close()


async def test_a_crash_between_frames_and_ledger_loses_nothing_and_doubles_nothing(
    influx: Influx, bucket: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(lines: object) -> None:
        raise StoreUnavailable("gone")

    frames = [power(seq) for seq in range(4)]
    await store.write(frames[:2])
    monkeypatch.setattr(store._ledger, "write", crash)
    with pytest.raises(StoreUnavailable):
        await store.write(frames[2:])
    again = influx_store(influx, bucket)
    await again.open()
    assert (await account(again)).stored == IntervalSet.below(2)
    assert [frame.seq for frame in await again.covering(POWER, 0, 9 * S)] == [0, 1]
    assert list(await again.write(frames)) == [*[Verdict.REPEAT] * 2, *[Verdict.STORED] * 2]
    whole = await account(again)
    assert (whole.stored, whole.samples) == (IntervalSet.below(4), 16)
    await again.close()


async def test_a_failed_write_is_simply_tried_again(
    store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store._ledger.write

    async def once(lines: list[bytes]) -> None:
        monkeypatch.setattr(store._ledger, "write", real)
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store._ledger, "write", once)
    with pytest.raises(StoreUnavailable):
        await store.write([power(0), health(0, word(1))])
    assert list(await store.write([power(0), health(0, word(1))])) == [Verdict.STORED] * 2
    assert (await account(store)).samples == 4


async def test_a_sequence_with_thousands_of_holes_is_kept_in_rows_of_a_bounded_size(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    for at in range(0, 2_400, 400):
        await store.write([replace_power(2 * seq) for seq in range(at, at + 400)])
    rows = await store._server.ask(f"{bucket}-results", "SELECT stored FROM ledger")
    assert [row["stored"] for row in rows] == [1_200, 1_200]
    again = influx_store(influx, bucket)
    await again.open()
    assert (await account(again)).stored == IntervalSet.of(range(0, 4_800, 2))
    assert (await account(again)).samples == 2_400
    assert await again.write([replace_power(4)]) == [Verdict.REPEAT]
    await again.close()


async def test_boots_that_were_put_away_are_taken_up_where_they_stood(
    store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "BOOTS", 2)
    keys = [POWER._replace(boot=f"b{at}") for at in range(6)]
    for seq in range(3):
        for key in keys:
            assert await store.write([power(seq, key=key)]) == [Verdict.STORED]
            assert await store.write([power(0, key=key)]) == [Verdict.REPEAT]
    assert [(each.stored, each.samples) for each in await store.accounts()] == [
        (IntervalSet.below(3), 12)
    ] * 6
    assert await store.write([power(1, key=keys[0], missed=5)]) == [Verdict.CONFLICT]


async def test_a_report_on_a_boot_that_was_put_away_takes_nothing_from_it(
    store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "BOOTS", 1)
    await store.write([power(0)])
    await store.write([power(0, key=POWER._replace(boot="b2"))])
    await store.write([health(0, word(7), boot="b2")])
    old = await account(store)
    assert (old.stored, old.samples, old.anchor) == (IntervalSet.below(1), 4, ANCHOR)
    assert old.report is not None


def replace_power(seq: int) -> Received:
    """One sample, so that thousands of frames are made quickly."""
    return power(seq, dt=pack_dt([0]), w=pack("f", [1.0, 2.0]))
