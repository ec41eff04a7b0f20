"""The sampler as a real process: what it delivers, how it is told, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from edge_node.power.sensor import SensorError, SensorSpec
from edge_node.power.synthetic import Options, SyntheticSensor
from edge_node.sampler import SamplerProcess
from edge_node.sampling import Block
from telemetry.contract.columns import unpack, unpack_dt
from telemetry.contract.errors import UserError

pytestmark = pytest.mark.anyio

SYNTHETIC = SensorSpec("synthetic", options={"wave": "sine", "period_s": 0.5})
FAST = {"watch_hz": 100.0, "trial_hz": 500.0}


@asynccontextmanager
async def sampling(*specs: SensorSpec, **rates: float) -> AsyncIterator[SamplerProcess]:
    sampler = SamplerProcess(specs or (SYNTHETIC,), **(rates or FAST))
    await sampler.start()
    try:
        yield sampler
    finally:
        await sampler.stop()


async def take(sampler: SamplerProcess, count: int) -> list[Block]:
    taken: list[Block] = []
    with anyio.fail_after(30):
        async for block in sampler.blocks():
            taken.append(block)
            if len(taken) == count:
                break
    return taken


async def rest(sampler: SamplerProcess) -> list[Block]:
    with anyio.fail_after(30):
        return [block async for block in sampler.blocks()]


def numbered(blocks: list[Block]) -> bool:
    ends = [0, *(block.first + block.ticks for block in blocks)]
    return [block.first for block in blocks] == ends[:-1]


def times(blocks: list[Block]) -> list[int]:
    return [block.t0 + dt for block in blocks for dt in unpack_dt(block.dt, block.samples)]


async def test_blocks_number_every_tick_and_their_stamps_rise() -> None:
    async with sampling() as sampler:
        blocks = await take(sampler, 4)
    assert numbered(blocks)
    assert times(blocks) == sorted(set(times(blocks)))
    assert all(block.ticks >= 25 for block in blocks)


async def test_what_is_sampled_is_the_true_power_at_the_stamp() -> None:
    async with sampling() as sampler:
        blocks = await take(sampler, 2)
    wave = SyntheticSensor(Options(wave="sine", period_s=0.5)).wave
    watts = [w for block in blocks for w in unpack("f", block.w)[::4]]
    lateness = [abs(wave.power_w(t_ns / 1e9) - w) for t_ns, w in zip(times(blocks), watts, strict=True)]
    # The stamp is the middle of the reading; the wave moves by at most 63 mW in a millisecond.
    assert sorted(lateness)[len(lateness) // 2] < 0.05


async def test_start_says_the_streams_in_the_order_of_the_specs() -> None:
    other = SensorSpec("synthetic", "other", {"channels": 2})
    sampler = SamplerProcess((SYNTHETIC, other), **FAST)
    streams = await sampler.start()
    await sampler.stop()
    assert [(info.stream, len(info.channels)) for info in streams] == [("main", 4), ("other", 2)]


async def test_each_stream_has_its_own_blocks() -> None:
    other = SensorSpec("synthetic", "other", {"channels": 2})
    async with sampling(SYNTHETIC, other) as sampler:
        blocks = await take(sampler, 6)
    for stream in ("main", "other"):
        assert numbered([block for block in blocks if block.stream == stream])


async def test_a_change_of_rate_begins_a_new_frame_and_loses_no_tick() -> None:
    async with sampling() as sampler:
        blocks = await take(sampler, 1)
        sampler.set_rate(trial=True)
        blocks += await take(sampler, 4)
        sampler.set_rate(trial=False)
        blocks += await take(sampler, 4)
    ticks = [block.tick for block in blocks]
    assert {2_000_000, 10_000_000} == set(ticks)
    assert ticks[-1] == 10_000_000
    assert numbered(blocks)


async def test_a_flush_delivers_the_samples_up_to_a_time_long_before_the_frame_is_full() -> None:
    async with sampling(watch_hz=20.0, trial_hz=500.0) as sampler:
        wanted = time.monotonic_ns() + 200_000_000
        sampler.flush(wanted)
        (block,) = await take(sampler, 1)
        assert times([block])[-1] >= wanted
        assert block.ticks < 20


async def test_a_flush_of_a_time_that_is_past_delivers_at_once() -> None:
    async with sampling(watch_hz=20.0, trial_hz=500.0) as sampler:
        await anyio.sleep(0.3)
        sampler.flush(time.monotonic_ns() - 150_000_000)
        (block,) = await take(sampler, 1)
    assert block.ticks < 20


async def test_stopping_hands_over_what_was_gathered() -> None:
    sampler = SamplerProcess((SYNTHETIC,), watch_hz=20.0, trial_hz=500.0)
    await sampler.start()
    await anyio.sleep(0.3)
    await sampler.stop()
    blocks = await rest(sampler)
    assert blocks
    assert sampler.returncode == 0


async def test_a_sensor_that_always_fails_keeps_its_stream_alive_with_missed_ticks() -> None:
    broken = SensorSpec("synthetic", options={"fail_every": 1})
    async with sampling(broken) as sampler:
        blocks = await take(sampler, 3)
    assert all(block.missed and not block.samples for block in blocks)
    assert numbered(blocks)


async def test_a_sensor_that_sometimes_fails_misses_those_ticks_only() -> None:
    flaky = SensorSpec("synthetic", options={"fail_every": 5})
    async with sampling(flaky) as sampler:
        blocks = await take(sampler, 3)
    assert all(block.samples and block.missed for block in blocks)
    assert numbered(blocks)


async def test_why_there_is_no_reading_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with sampling(SensorSpec("synthetic", options={"fail_every": 1})) as sampler:
        await take(sampler, 3)
    assert [record.message for record in caplog.records].count("no reading") == 1


async def test_an_agent_that_does_not_listen_loses_no_tick_of_the_count() -> None:
    async with sampling(watch_hz=20.0, trial_hz=1000.0) as sampler:
        sampler.set_rate(trial=True)
        await anyio.sleep(1.5)
        blocks = await take(sampler, 4)
    assert numbered(blocks)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        (SensorSpec("nonsense"), UserError, "'nonsense' is unknown"),
        (SensorSpec("synthetic", options={"period_s": 0}), UserError, "period_s > 0"),
        (SensorSpec("replay", options={"path": "/nowhere/log.txt"}), UserError, "log.txt: No such file"),
        (SensorSpec("battery", options={"path": "/nowhere/BAT0"}), SensorError, "/nowhere/BAT0"),
    ],
)
async def test_a_sensor_that_does_not_open_says_why(
    spec: SensorSpec, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await SamplerProcess((spec,), **FAST).start()


@pytest.mark.parametrize(
    ("specs", "rates", "words"),
    [
        ((), FAST, "none"),
        ((SYNTHETIC, SYNTHETIC), FAST, "one of each name"),
        ((SYNTHETIC,), {"watch_hz": 0.0, "trial_hz": 100.0}, "watch rate 0.0 Hz"),
        ((SYNTHETIC,), {"watch_hz": 20.0, "trial_hz": 5000.0}, "at most 1000"),
        ((SYNTHETIC,), {"watch_hz": float("nan"), "trial_hz": 100.0}, "watch rate nan"),
    ],
)
def test_streams_and_rates_that_cannot_be_are_refused(
    specs: tuple[SensorSpec, ...], rates: dict[str, float], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        SamplerProcess(specs, **rates)


async def test_blocks_end_when_the_sampler_is_killed() -> None:
    sampler = SamplerProcess((SYNTHETIC,), **FAST)
    await sampler.start()
    await take(sampler, 1)
    assert sampler.pid is not None
    os.kill(sampler.pid, signal.SIGKILL)
    await rest(sampler)
    assert sampler.returncode == -signal.SIGKILL
    sampler.set_rate(trial=True)
    await sampler.stop()


async def test_it_ignores_ctrl_c_and_stops_when_the_agent_says_so() -> None:
    sampler = SamplerProcess((SYNTHETIC,), **FAST)
    await sampler.start()
    assert sampler.pid is not None
    os.kill(sampler.pid, signal.SIGINT)
    assert await take(sampler, 2)
    await sampler.stop()
    assert sampler.returncode == 0


async def test_it_stops_in_order_although_nobody_reads_what_it_sent() -> None:
    wide = SensorSpec("synthetic", options={"channels": 64})
    sampler = SamplerProcess((wide,), watch_hz=1000.0, trial_hz=1000.0)
    await sampler.start()
    await anyio.sleep(1.5)
    with anyio.fail_after(20):
        await sampler.stop()
    blocks = await rest(sampler)
    assert sum(block.ticks for block in blocks) > 0
    assert numbered(blocks)


async def test_stopping_twice_is_stopping_once() -> None:
    sampler = SamplerProcess((SYNTHETIC,), **FAST)
    await sampler.stop()
    await sampler.start()
    await sampler.stop()
    await sampler.stop()


def test_it_dies_with_its_agent() -> None:
    code = (
        "import asyncio, os, sys\n"
        "from edge_node.sampler import SamplerProcess\n"
        "from edge_node.power.sensor import SensorSpec\n"
        "async def main():\n"
        "    sampler = SamplerProcess((SensorSpec('synthetic'),))\n"
        "    await sampler.start()\n"
        "    print(sampler.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        child = int(agent.stdout.readline())
        agent.kill()
    deadline = time.monotonic() + 20
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_child_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys, edge_node.sampler_child; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"asyncio", "anyio", "numpy", "sqlite3", "aiomqtt", "typer"}
