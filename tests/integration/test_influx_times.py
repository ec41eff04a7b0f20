"""Frames of any time in InfluxDB 2: long past, to come, equal, falling, expired; all of them are kept."""

from __future__ import annotations

import time

import pytest

from telemetry.contract.frames import ClockFrame, Exchange
from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx import InfluxStore
from telemetry.store.interface import Verdict
from tests.contracts.store.builders import POWER, S, account, came, power
from tests.influx import held, influx_store, manifest
from tests.servers import Influx

pytestmark = pytest.mark.anyio

DAY = 86_400 * S


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


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


async def test_what_the_raw_bucket_finds_too_old_goes_to_the_archive(bucket: str, store: InfluxStore) -> None:
    store._writer.raw_ns = 0  # as if the bucket's rule was changed after the start
    old = time.time_ns() - 40 * DAY
    frames = [power(seq, anchor=old) for seq in range(3)]
    assert list(await store.write(frames)) == [Verdict.STORED] * 3
    assert len(await store._server.ask(f"{bucket}-archive", "SELECT seq FROM frame")) == 3
    assert await held(store) == [received.frame for received in frames]


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
