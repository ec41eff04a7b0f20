"""Frames in InfluxDB 2 that are odd or refused: what is taken comes back, and of the others nothing shows."""

from __future__ import annotations

import math
import time

import pytest
from msgspec.structs import replace

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.frames import ClockFrame, Exchange, PowerFrame
from telemetry.store.influx import InfluxStore
from telemetry.store.interface import Rejected, Verdict
from tests.contracts.store.builders import ANCHOR, POWER, S, account, came, power
from tests.influx import held, manifest, write_line
from tests.servers import Influx

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


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


async def test_a_refused_frame_hides_no_neighbour_of_a_window(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    await store.write(
        [power(seq, anchor=now, ch=("total", "gpu" if seq in (1, 2, 4) else "cpu")) for seq in range(6)]
    )
    beside = await store.covering(POWER, 3 * S + S // 4, 3 * S + S // 2)
    assert [frame.seq for frame in beside] == [0, 3, 5]


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


async def test_a_frame_that_begins_when_a_refused_one_does_is_stored(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    now = time.time_ns()
    write_line(influx, bucket, f"power,node=other gpu=5i {now}")
    bad, good = power(0, anchor=now, t0=S), power(1, anchor=now, t0=S, ch=("a", "b"))
    assert (await store.write([bad, good]))[1] is Verdict.STORED
    assert await held(store) == [good.frame]


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
