"""Frames in InfluxDB 2 that are odd, old, refused, written twice or half: none is lost, none counts twice."""

from __future__ import annotations

import math
import time

import pytest
from msgspec.structs import replace

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.frames import ClockFrame, Exchange, Frame, ManifestFrame, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.manifest import Device
from telemetry.store.influx import InfluxStore, known
from telemetry.store.interface import Rejected, StoreUnavailable, Verdict
from tests.contracts.store.builders import ANCHOR, POWER, S, account, came, health, power, word
from tests.influx import influx_store, write_line
from tests.servers import Influx

pytestmark = pytest.mark.anyio

DAY = 86_400 * S
ALL = IntervalSet.below(2**53)


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


async def held(store: InfluxStore, key: StreamKey = POWER) -> list[Frame]:
    return [frame for _, frame in await store.frames(key, ALL)]


def manifest() -> Received:
    said = {
        "device": Device(kind="jetson-tx2"),
        "software": "e3p",
        "hash": "h",
        "os_boot": "k",
        "streams": (),
    }
    frame = ManifestFrame(v=1, boot="b1", seq=0, anchor=time.time_ns(), t0=0, **said)
    return came(POWER._replace(stream="manifest/agent"), frame)


# ---- what the server will not have


async def test_a_refused_frame_is_named_and_the_others_are_stored(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    frames = [power(seq, anchor=now, ch=("total", "gpu" if seq == 7 else "cpu")) for seq in range(20)]
    outcomes = await store.write(frames)
    assert [seq for seq, outcome in enumerate(outcomes) if outcome is not Verdict.STORED] == [7]
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    assert "field type conflict" in refused.reason
    assert [frame.seq for frame in await held(store)] == [seq for seq in range(20) if seq != 7]
    assert 7 not in (await account(store)).stored


async def test_nothing_of_a_refused_frame_shows_in_a_window(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    await store.write(
        [power(seq, anchor=now, ch=("total", "gpu" if seq == 2 else "cpu")) for seq in range(5)]
    )
    assert [frame.seq for frame in await store.covering(POWER, 0, 9 * S)] == [0, 1, 3, 4]


async def test_a_refused_number_can_be_stored_with_a_good_body(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    (refused,) = await store.write([power(0, anchor=now)])
    assert isinstance(refused, Rejected)
    assert await store.write([power(0, anchor=now, ch=("a", "b"))]) == [Verdict.STORED]


async def test_the_body_that_was_refused_never_stands_for_the_one_that_was_stored(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    await store.write([power(0, anchor=now, t0=S)])
    good = power(0, anchor=now, t0=2 * S, ch=("a", "b"))
    assert await store.write([good]) == [Verdict.STORED]
    assert await held(store) == [good.frame]
    assert await store.covering(POWER, 0, 9 * S) == [good.frame]


# ---- times


@pytest.mark.parametrize(
    "anchor",
    [0, -2 * DAY, 1_645_000_000 * S, time.time_ns() + 366 * DAY, 2**63 - 1 - 3 * S, -(2**63)],
    ids=["1970", "before 1970", "2022", "next year", "the latest", "the earliest"],
)
async def test_any_time_of_64_bits_is_kept(store: InfluxStore, anchor: int) -> None:
    frames = [power(seq, anchor=anchor) for seq in range(3)]
    assert list(await store.write(frames)) == [Verdict.STORED] * 3
    assert await held(store) == [received.frame for received in frames]
    assert [frame.seq for frame in await store.covering(POWER, S, S)] == [0, 1, 2]
    assert list(await store.write(frames)) == [Verdict.REPEAT] * 3


async def test_frames_of_one_time_are_all_kept(store: InfluxStore) -> None:
    frames = [power(seq, t0=5 * S, missed=seq) for seq in range(6)]
    await store.write(frames[:2])
    await store.write(frames[2:])
    assert await held(store) == [received.frame for received in frames]
    assert list(await store.write(frames)) == [Verdict.REPEAT] * 6


async def test_times_that_fall_with_the_numbers_are_found_all_the_same(store: InfluxStore) -> None:
    frames = [power(seq, t0=(100 - seq) * S) for seq in range(10)]
    await store.write(frames[5:])
    await store.write(frames[:5])
    assert [frame.seq for frame in await held(store)] == list(range(10))
    assert [frame.seq for frame in await store.covering(POWER, 95 * S, 95 * S)] == [6, 5, 4]


async def test_a_frame_goes_by_its_age_to_the_archive_and_is_found_there(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    anchor = time.time_ns() - 30 * DAY
    frames = [power(seq, t0=seq * 10 * DAY, anchor=anchor) for seq in range(4)]
    await store.write(frames)
    for room, seqs in (("raw", [1, 2, 3]), ("archive", [0])):
        name = bucket if room == "raw" else f"{bucket}-{room}"
        rows = await store._server.ask(name, "SELECT seq FROM frame")
        assert [row["seq"] for row in rows] == seqs
    assert [frame.seq for frame in await store.covering(POWER, 9 * DAY, 11 * DAY)] == [0, 1, 2]
    assert [frame.seq for frame in await held(store)] == [0, 1, 2, 3]


async def test_a_manifest_outlives_the_raw_bucket(bucket: str, store: InfluxStore) -> None:
    await store.write([manifest()])
    assert len(await store._server.ask(f"{bucket}-archive", "SELECT seq FROM frame")) == 1


async def test_what_expired_is_stored_and_not_missing(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    frames = [power(seq, anchor=now) for seq in range(5)]
    await store.write(frames)
    everything = {"start": "1970-01-01T00:00:00Z", "stop": "2200-01-01T00:00:00Z"}
    influx.call("POST", f"/api/v2/delete?org={influx.org}&bucket={bucket}", everything)
    again = influx_store(influx, bucket)
    await again.open()
    assert await held(again) == []
    assert (await account(again)).stored == IntervalSet.below(5)
    assert list(await again.write(frames)) == [Verdict.REPEAT] * 5
    await again.close()


async def test_what_expired_long_ago_is_not_asked_for(
    influx: Influx, bucket: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    await store.write([power(0, anchor=now)])
    later = influx_store(influx, bucket, now_ns=lambda: now + 60 * DAY)
    await later.open()
    monkeypatch.setattr(later._reader, "_in_run", None)
    assert await held(later) == []
    assert (await account(later)).stored == IntervalSet.below(1)
    await later.close()


async def test_a_frame_that_spans_all_of_time_is_kept(store: InfluxStore) -> None:
    pings = (Exchange(t1=-(2**62), t2=0, t3=0, t4=2**62),)
    wide = ClockFrame(v=1, boot="b1", seq=0, anchor=0, t0=-(2**62) - 2**61, peer="c", exchanges=pings)
    key = POWER._replace(stream="clock/c")
    assert await store.write([came(key, wide)]) == [Verdict.STORED]
    assert await store.covering(key, 5, 6) == [wide]


# ---- bodies and names


async def test_a_frame_comes_back_to_the_last_bit(store: InfluxStore) -> None:
    watts = pack("f", [1.5, math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4e38, -7.25])
    odd = power(0, w=watts, counter_j=pack("d", [1.0, math.nan]), dt=pack_dt([0, 1, 2, 2**40]))
    await store.write([odd])
    (frame,) = await held(store)
    assert isinstance(frame, PowerFrame)
    assert (frame.w, frame.dt, frame.counter_j) == (watts, odd.frame.dt, odd.frame.counter_j)  # type: ignore[union-attr]


async def test_a_body_beyond_a_mebibyte_comes_back(store: InfluxStore) -> None:
    count = 150_000
    large = power(
        0, dt=pack_dt(range(count)), ch=("a",), w=pack("f", range(count)), t0=0, anchor=time.time_ns()
    )
    assert len(large.body) > 2**20
    assert await store.write([large]) == [Verdict.STORED]
    assert await held(store) == [large.frame]


@pytest.mark.parametrize(
    "boot", ["a b", "x,y=z", "quote'\"s", "back\\slash", "new\nline", "50%", "ü·é", "\x7f"]
)
async def test_any_lawful_boot_is_its_own(store: InfluxStore, boot: str) -> None:
    odd, plain = POWER._replace(boot=boot), POWER._replace(boot="a")
    await store.write([power(0, key=odd), power(1, key=plain)])
    assert await held(store, odd) == [power(0, key=odd).frame]
    assert {each.key for each in await store.accounts("tx2")} == {odd, plain}


async def test_any_lawful_channel_is_stored(store: InfluxStore) -> None:
    odd = power(0, ch=("time", ""), anchor=time.time_ns())
    assert await store.write([odd]) == [Verdict.STORED]
    assert await held(store) == [odd.frame]


# ---- several writers, and crashes


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


# ---- for Grafana


async def test_samples_are_points_with_a_field_for_each_channel(bucket: str, store: InfluxStore) -> None:
    now = time.time_ns()
    await store.write([power(0, anchor=now, w=pack("f", [1.5, 0.5, 2.5, 0.25, 3, 4, 5, 6]))])
    rows = await store._server.ask(
        bucket, "SELECT total, gpu FROM power WHERE node = 'tx2' AND stream = 'main'"
    )
    assert [(row["time"] - now, row["total"], row["gpu"]) for row in rows] == [
        (0, 1.5, 0.5),
        (S // 4, 2.5, 0.25),
        (S // 2, 3.0, 4.0),
        (3 * S // 4, 5.0, 6.0),
    ]


async def test_clocks_and_devices_are_plotted_for_ever(bucket: str, store: InfluxStore) -> None:
    ping = Exchange(t1=0, t2=ANCHOR + 5_001_000, t3=ANCHOR + 5_001_000, t4=2_000)
    clock = ClockFrame(v=1, boot="b1", seq=0, anchor=ANCHOR, t0=0, peer="collector", exchanges=(ping,))
    await store.write([came(POWER._replace(stream="clock/collector"), clock)])
    (row,) = await store._server.ask(f"{bucket}-results", "SELECT offset_ns, round_trip_ns FROM clock")
    assert (row["offset_ns"], row["round_trip_ns"]) == (5_000_000, 2_000)
    await store.write(
        [came(POWER._replace(boot="b2", stream="manifest/a"), replace(manifest().frame, boot="b2"))]
    )
    (row,) = await store._server.ask(f"{bucket}-results", "SELECT device, boot FROM node")
    assert (row["device"], row["boot"]) == ("jetson-tx2", "b2")
