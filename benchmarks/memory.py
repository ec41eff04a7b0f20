"""The collector's memory with SQLite, while 50 simulated devices send 1 kHz × 4."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE

import anyio

from benchmarks.harness import Effort, Figure, aiming
from benchmarks.pipes import line_of, tell
from benchmarks.processes import CONNECTED, LOOK_S, Look, looking, slope
from e3p.children import Child
from telemetry.store.open import opened_store

TITLE = (
    "`e3p collect` as a process of its own; the broker and the simulated devices are in another. The "
    "slope is a straight line through its memory, looked at twice a second, after a quarter of the time "
    "in which its caches fill: half a minute says little of it, so `--long` takes ten."
)
NAMES = ("memory.rss", "memory.slope", "memory.cpu", "memory.stored")
TARGET_MIB = 200.0
LAST_S = 10.0


def run(effort: Effort) -> list[Figure]:
    """The most memory it held, how fast that grows, its CPU share, and what part of the frames is stored."""
    nodes, seconds = effort.pick(50, 2), 600 if effort.long else effort.pick(30, 3)
    seen, stored = anyio.run(_measured, nodes, seconds)
    cpu = (seen[-1].cpu_s - seen[0].cpu_s) / (seen[-1].at_s - seen[0].at_s)
    what = f"the collector's memory at most, {nodes} nodes × 1 kHz × 4, {seconds} s"
    most = Figure(name="memory.rss", what=what, value=max(one.mib for one in seen), unit="MiB")
    share = Figure(name="memory.stored", what="the frames that it stored", value=100 * stored, unit="%")
    return [
        aiming(most, TARGET_MIB),
        Figure(name="memory.slope", what="its slope", value=slope(seen[len(seen) // 4 :]), unit="MiB/min"),
        Figure(name="memory.cpu", what="its CPU", value=100 * cpu, unit="% of a core"),
        aiming(share, 100.0, at_most=False),
    ]


async def _measured(nodes: int, seconds: int) -> tuple[list[Look], float]:
    """What was seen of the collector while the fleet sent, and the share of its frames that are stored."""
    fleet = [sys.executable, "-m", "benchmarks.fleet", str(nodes), str(seconds)]
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as name:
        store = f"sqlite:///{name}/store.db"
        async with await anyio.open_process(fleet, stdin=PIPE, stdout=PIPE, stderr=None) as publishers:
            collect = ["collect", "--mqtt", await line_of(publishers), "--store", store]
            with Child(collect, Path(name) / "collect.log", os.environ) as collector:
                await collector.says(CONNECTED)
                await tell(publishers)
                async with looking(collector.pid) as seen:
                    sent = int(await line_of(publishers))
                stored = await _stored(store, sent)
            await tell(publishers)
        return seen, stored / sent


async def _stored(url: str, sent: int) -> int:
    """How many frames are stored: all, or as many as there are after a while."""
    stored = 0
    async with opened_store(url, create=False) as store:
        with anyio.move_on_after(LAST_S):
            while stored < sent:
                stored = sum(len(account.stored) for account in await store.accounts())
                await anyio.sleep(LOOK_S)
    return stored
