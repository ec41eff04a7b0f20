"""What the agent takes from the device that it measures, and how well it keeps time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import anyio

from benchmarks.harness import Effort, Figure, aiming
from benchmarks.processes import NODE, cpu_s, family, rss_mib, running, until
from telemetry.contract.columns import unpack_dt
from telemetry.contract.frames import PowerFrame
from telemetry.store.interface import Store
from telemetry.store.open import opened_store

TITLE = (
    "`e3p edge` with a synthetic sensor of 4 channels, its sampler process counted in, beside `e3p serve` "
    "on the same machine, which takes the frames. A stamp's lateness is its distance from the absolute "
    "schedule; ticks that were slept through have none, and are counted by themselves. Beside work: a "
    "program that computes without a pause, as inference does, shares the machine."
)
# The rate, and whether a program computes beside it.
RATES = {"200": (200.0, False), "200_work": (200.0, True), "1k": (1000.0, False), "1k_work": (1000.0, True)}
KINDS = ("cpu", "late_p50", "late_p99", "missed")
NAMES = (*(f"agent.{kind}_{rate}" for rate in RATES for kind in KINDS), "agent.rss")
TARGET_CPU = {"200": 2.0, "200_work": 2.0, "1k": 10.0, "1k_work": 10.0}
TARGET_LATE_MS = 1.0
TARGET_RSS_MIB = 80.0
WARM_S = 3


class Kept(NamedTuple):
    """How a stream kept its schedule: ms behind it at each sample, and the share of ticks missed."""

    late_ms: Sequence[float]
    missed: float


def run(effort: Effort) -> list[Figure]:
    """CPU share, lateness and missed ticks at each rate; memory at the higher one."""
    figures: list[Figure] = []
    rss = 0.0
    for label, (rate, is_beside_work) in RATES.items():
        with work() if is_beside_work else nullcontext():
            cpu, rss, kept = anyio.run(_watched, rate, effort.pick(30, 1))
        figures += _of_rate(label, f"at {rate:g} Hz × 4{' beside work' * is_beside_work}", cpu, kept)
    memory = Figure(name="agent.rss", what="agent and sampler, memory", value=rss, unit="MiB")
    return [*figures, aiming(memory, TARGET_RSS_MIB)]


@contextmanager
def work() -> Iterator[None]:
    """A program that computes without a pause while the block lasts."""
    program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        program.kill()
        program.wait()


def _of_rate(label: str, at: str, cpu: float, kept: Kept) -> list[Figure]:
    late = sorted(kept.late_ms)
    p50, p99 = (late[int(share * (len(late) - 1))] for share in (0.5, 0.99))
    share = Figure(name=f"agent.cpu_{label}", what=f"CPU {at}", value=cpu, unit="% of a core")
    median = Figure(name=f"agent.late_p50_{label}", what=f"stamps late {at}, p50", value=p50, unit="ms")
    tail = Figure(name=f"agent.late_p99_{label}", what=f"stamps late {at}, p99", value=p99, unit="ms")
    missed = Figure(
        name=f"agent.missed_{label}", what=f"ticks missed {at}", value=kept.missed * 100, unit="%"
    )
    return [aiming(share, TARGET_CPU[label]), median, aiming(tail, TARGET_LATE_MS), missed]


async def _watched(rate: float, seconds: int) -> tuple[float, float, Kept]:
    """Percent of a core, MiB, and the stamps of `seconds` of sampling."""
    async with running(watch_hz=rate) as line, opened_store(line.store, create=False) as store:
        await until(lambda: _frames(store))
        await anyio.sleep(WARM_S)
        processes = family(line.agent.pid)
        before, begun = cpu_s(processes), anyio.current_time()
        await anyio.sleep(seconds)
        cpu = (cpu_s(processes) - before) / (anyio.current_time() - begun)
        return 100 * cpu, rss_mib(processes), kept_by(await _frames(store))


async def _frames(store: Store) -> list[PowerFrame]:
    found: list[PowerFrame] = []
    for account in await store.accounts(NODE):
        if account.key.stream == "power/main":
            frames = await store.frames(account.key, account.stored)
            found += [frame for _, frame in frames if isinstance(frame, PowerFrame)]
    return found


def kept_by(frames: Sequence[PowerFrame]) -> Kept:
    """How late the stamps of one boot are against the earliest grid that they fit."""
    whole = [frame for frame in frames if not frame.missed and frame.samples]
    behind = [
        frame.t0 + offset - (frame.first + at) * frame.tick
        for frame in whole
        for at, offset in enumerate(unpack_dt(frame.dt, frame.samples))
    ]
    ticks = sum(frame.samples + frame.missed for frame in frames)
    missed = sum(frame.missed for frame in frames)
    earliest = min(behind)
    return Kept([(each - earliest) / 1e6 for each in behind], missed / ticks)
