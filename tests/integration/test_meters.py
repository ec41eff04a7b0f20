"""A meter on another host, joined to a device's trial through the clocks of both."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from analyzer.meters import put_join, read_meters
from analyzer.query import energy_of, reanalyze
from collector.meter import Meters
from telemetry.contract.columns import pack
from telemetry.contract.decode import Meter, Received
from telemetry.contract.documents import MeterJoin, Result
from telemetry.contract.frames import Exchange
from telemetry.contract.topics import FrameTopic
from telemetry.store.interface import Store
from telemetry.store.open import opened_store
from tests.analyzing import ANCHOR, HZ, NODE, Case, Maker, S, trial

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

DAY_S = 86_400
IDLE_W, BUSY_W = 10.0, 30.0
BEGIN_S, END_S = 60.0, 70.0
"""The trial, in seconds of the device's clock."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(f"sqlite:///{tmp_path}/meters.db") as opened:
        yield opened


class Host:
    """One host: its clock is behind UTC by `behind_s` and drifts. It pings every 2 s, 50 ms of jitter."""

    def __init__(self, maker: Maker, behind_s: float, drift_ppm: float, seed: int) -> None:
        self.maker, self.behind_s, self.drift = maker, behind_s, drift_ppm * 1e-6
        self._random = random.Random(seed)

    def utc_ns(self, own_s: float) -> int:
        """UTC at a moment of the host's clock, in seconds since its boot."""
        ahead_ns = round(self.behind_s * S) + round(own_s * self.drift * S)
        return self.maker.anchor + round(own_s * S) + ahead_ns

    def own_s(self, utc_ns: int) -> float:
        return (utc_ns - self.utc_ns(0)) / S / (1 + self.drift)

    def ping(self, own_s: float) -> Exchange:
        there, back = self._random.uniform(0.0005, 0.05), self._random.uniform(0.0005, 0.05)
        utc = self.utc_ns(own_s + there)
        return Exchange(t1=round(own_s * S), t2=utc, t3=utc, t4=round((own_s + there + back) * S))

    def clock(self, until_s: float) -> Received:
        return self.maker.clock(0, *[self.ping(at) for at in range(0, int(until_s) - 1, 2)])

    def powers(self, seconds: range, busy: tuple[int, int]) -> list[Received]:
        """Busy power between two moments of UTC, idle power else."""
        return [self.maker.power(second, w=pack("f", self._watts(second, busy))) for second in seconds]

    def _watts(self, second: int, busy: tuple[int, int]) -> list[float]:
        at = [self.utc_ns(second + tick / HZ) for tick in range(HZ)]
        return [BUSY_W if busy[0] <= moment < busy[1] else IDLE_W for moment in at]


def device_host(seed: int = 0, behind_s: float = 3.0) -> Host:
    return Host(Maker(), behind_s, 40.0, seed)


def meter_host(seed: int = 1, behind_s: float = -float(DAY_S)) -> Host:
    """By default its clock is a day fast, and drifts the other way."""
    return Host(Maker("m1", node="wall", anchor=ANCHOR + 5 * S), behind_s, -30.0, seed)


def device_frames(device: Host) -> list[Received]:
    frames = [device.maker.manifest(), *device.maker.powers(55, 75), trial(device.maker, BEGIN_S, END_S)]
    return [*frames, device.clock(BEGIN_S)]


def meter_frames(device: Host, meter: Host) -> list[Received]:
    """Power around the device's trial, busy exactly as long as that runs."""
    busy = device.utc_ns(BEGIN_S), device.utc_ns(END_S)
    first, last = (int(meter.own_s(edge)) for edge in busy)
    seconds = range(first - 15, last + 16)
    health = meter.maker.health(0, seconds.stop + 20, meter.maker.said(seconds.stop))
    return [meter.maker.manifest(), *meter.powers(seconds, busy), health, meter.clock(first)]


def join(**fields: object) -> MeterJoin:
    said = {"meter": "wall", "stream": "main", "of": NODE, "joined": True, "at": 1, "clock_u95_ns": S}
    return MeterJoin(**{**said, **fields})


async def computed(store: Store, frames: Sequence[Received], *joins: MeterJoin) -> list[Result]:
    """What an analyzer that starts now makes of these frames."""
    for each in joins:
        await put_join(store, each)
    await store.write(frames)
    return [change.result for change in await reanalyze(store, 0, 1)]


def of_meter(results: Sequence[Result]) -> Result:
    [result] = [result for result in results if result.meter]
    return result


async def test_a_meter_a_day_fast_measures_the_trial_of_another_host(store: Store) -> None:
    device, meter = device_host(), meter_host()
    results = await computed(store, [*device_frames(device), *meter_frames(device, meter)], join())
    result = of_meter(results)
    assert (result.node, result.meter, result.stream, result.trial) == (NODE, "wall", "main", "t1")
    assert result.energy_j == pytest.approx(BUSY_W * (END_S - BEGIN_S), rel=0.01)
    assert (result.state, result.reasons) == ("valid", ())
    assert result.leads is False


async def test_the_joined_clocks_are_known_to_5_ms_within_the_uncertainty_they_state(store: Store) -> None:
    device, meter = device_host(), meter_host()
    result = of_meter(await computed(store, [*device_frames(device), *meter_frames(device, meter)], join()))
    missed_j = abs((result.energy_j or 0) - BUSY_W * (END_S - BEGIN_S))
    assert missed_j <= (result.energy_u95_j or 0)
    assert missed_j <= 2 * 0.005 * (BUSY_W - IDLE_W) + (BUSY_W - IDLE_W) / HZ


async def test_a_fast_meter_leaves_the_devices_own_result_alone(store: Store) -> None:
    device, meter = device_host(), meter_host()
    results = await computed(store, [*device_frames(device), *meter_frames(device, meter)], join())
    [own] = [result for result in results if not result.meter]
    assert (own.energy_j, own.state, own.flags) == (pytest.approx(100.0), "valid", ())


async def test_without_a_join_a_meter_is_a_node_like_any_other(store: Store) -> None:
    device, meter = device_host(), meter_host()
    results = await computed(store, [*device_frames(device), *meter_frames(device, meter)])
    assert [result.meter for result in results] == [None]


async def test_a_parted_meter_measures_no_more(store: Store) -> None:
    device, meter = device_host(), meter_host()
    frames = [*device_frames(device), *meter_frames(device, meter)]
    results = await computed(store, frames, join(), join(joined=False, at=2))
    assert [result.meter for result in results] == [None]
    assert await read_meters(store) == {}


async def test_a_device_that_never_pinged_cannot_be_laid_beside_a_meter(store: Store) -> None:
    device, meter = device_host(behind_s=0.0), meter_host(behind_s=0.0)
    silent = [frame for frame in device_frames(device) if frame.key.stream != "clock/collector"]
    result = of_meter(await computed(store, [*silent, *meter_frames(device, meter)], join()))
    assert (result.state, result.reasons) == ("invalid", ("no_clock",))


async def test_a_meter_that_never_spoke_has_an_invalid_result_not_zero_joules(store: Store) -> None:
    result = of_meter(await computed(store, device_frames(device_host()), join()))
    assert (result.energy_j, result.state) == (None, "invalid")
    assert "no_samples" in result.reasons


async def test_a_minimal_meter_is_joined_by_its_utc_stamps(store: Store) -> None:
    device = device_host()
    busy = device.utc_ns(BEGIN_S), device.utc_ns(END_S)
    stamps = [busy[0] - 20 * S + tick * S // 10 for tick in range(500)]
    watts = [BUSY_W if busy[0] <= stamp < busy[1] else IDLE_W for stamp in stamps]
    frame = Meters().frame(
        FrameTopic("wall", "power", "main"), Meter(t=pack("q", stamps), ch=("mains",), w=pack("f", watts))
    )
    assert frame is not None
    told = join(clock_u95_ns=S // 10, gain_uncertainty=0.005)
    result = of_meter(await computed(store, [*device_frames(device), frame], told))
    assert result.energy_j == pytest.approx(300.0, abs=3.0)
    assert (result.state, result.reasons) == ("degraded", ("no_ledger",))
    lines = {line.name: line.u_j for line in result.budget}
    assert lines["gain"] == pytest.approx(0.005 * (result.energy_j or 0))
    assert "clock" in lines


async def test_late_readings_of_a_meter_revise_the_result(store: Store) -> None:
    device, meter = device_host(), meter_host()
    case = Case(store)
    case.desk.meters = (join(),)
    frames = meter_frames(device, meter)
    await store.write(frames[:18])
    await case.put(device_frames(device))
    first = [result for result in await case.after(11) if result.meter]
    assert ["frames_missing" in result.reasons for result in first] == [True]
    await store.write(frames[18:])
    case.desk.overhear({account.key: account.stored for account in await store.accounts("wall")})
    last = of_meter(await case.after(12))
    assert (last.state, last.energy_j) == ("valid", pytest.approx(300.0, rel=0.01))


async def test_any_window_of_a_device_has_its_meters_energy_beside_its_own(store: Store) -> None:
    device, meter = device_host(), meter_host()
    await computed(store, [*device_frames(device), *meter_frames(device, meter)], join())
    results = await energy_of(store, NODE, ANCHOR + 62 * S, ANCHOR + 68 * S)
    assert [(r.meter, round(r.energy_j or 0, 1)) for r in results] == [(None, 60.0), ("wall", 180.0)]


async def test_a_step_at_an_edge_that_no_mark_tells_of_counts_the_clocks(store: Store) -> None:
    device, meter = device_host(), meter_host()
    await computed(store, [*device_frames(device), *meter_frames(device, meter)], join())
    begin = ANCHOR + round(BEGIN_S) * S
    result = of_meter(await energy_of(store, NODE, begin, begin + 8 * S))
    [clock] = [line for line in result.budget if line.name == "clock"]
    assert clock.u_j > 0
    assert abs((result.energy_j or 0) - 8 * BUSY_W) <= (result.energy_u95_j or 0)
