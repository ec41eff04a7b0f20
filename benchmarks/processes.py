"""Whole programs under measurement: server and agent as `e3p` starts them, and what the system says."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
import psutil  # type: ignore[import-untyped]

from e3p.children import Child

NODE = "bench"
CONNECTED = re.compile("mqtt connected")
LIMIT_S = 30.0
LOOK_S = 0.5
SENSOR = """
[[edge.sensors]]
driver = "synthetic"
[edge.sensors.options]
wave = "square"
period_s = 0.5
channels = 4
"""


class Look(NamedTuple):
    """At a process: seconds of the clock, MiB, CPU seconds so far."""

    at_s: float
    mib: float
    cpu_s: float


class Line(NamedTuple):
    """A running server and agent; `marks` is the agent's socket."""

    mqtt: str
    store: str
    marks: Path
    server: Child
    agent: Child


@asynccontextmanager
async def running(watch_hz: float, trial_hz: float = 1000.0) -> AsyncIterator[Line]:
    """`e3p serve` and `e3p edge` with a synthetic sensor of 4 channels, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as name:
        folder = Path(name)
        (folder / "e3p.toml").write_text(SENSOR, encoding="utf-8")
        store, marks = f"sqlite:///{folder}/store.db", folder / "marks.sock"
        env = {
            **os.environ,
            "E3P_STORE": store,
            "E3P_EDGE_SPOOL": str(folder / "edge.spool"),
            "E3P_EDGE_SOCKET": str(marks),
            "E3P_EDGE_WATCH_HZ": str(watch_hz),
            "E3P_EDGE_TRIAL_HZ": str(trial_hz),
        }
        serve = ["serve", "--broker-port", "0", "--port", "0"]
        with Child(serve, folder / "serve.log", env) as server:
            mqtt = (await server.ready())["mqtt"]
            edge = ["edge", "--node", NODE, "--mqtt", mqtt, "--config", str(folder / "e3p.toml")]
            with Child(edge, folder / "edge.log", env) as agent:
                await agent.says(CONNECTED)
                yield Line(mqtt, store, marks, server, agent)


@contextmanager
def marking_to(path: Path) -> Iterator[None]:
    """`mark.py` in this process sends there, inside the block."""
    before = os.environ.get("E3P_SOCKET")
    os.environ["E3P_SOCKET"] = str(path)
    try:
        yield
    finally:
        del os.environ["E3P_SOCKET"]
        if before is not None:
            os.environ["E3P_SOCKET"] = before


def family(pid: int) -> list[psutil.Process]:
    """A process and those that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds of processes so far, in the kernel and out of it."""
    times = [process.cpu_times() for process in processes]
    return float(sum(time.user + time.system for time in times))


def rss_mib(processes: Sequence[psutil.Process]) -> float:
    """What processes hold in memory now."""
    return float(sum(process.memory_info().rss for process in processes)) / 2**20


@asynccontextmanager
async def looking(pid: int) -> AsyncIterator[list[Look]]:
    """Looks at a process and its children while the block lasts, the last time at its end."""
    processes, seen = family(pid), []

    def look() -> None:
        seen.append(Look(anyio.current_time(), rss_mib(processes), cpu_s(processes)))

    async def watch() -> None:
        while True:
            look()
            await anyio.sleep(LOOK_S)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        yield seen
        tasks.cancel_scope.cancel()
    look()


def slope(seen: Sequence[Look]) -> float:
    """MiB a minute, by least squares."""
    mean_s = sum(one.at_s for one in seen) / len(seen)
    mean_mib = sum(one.mib for one in seen) / len(seen)
    spread = sum((one.at_s - mean_s) ** 2 for one in seen)
    return 60 * sum((one.at_s - mean_s) * (one.mib - mean_mib) for one in seen) / spread


async def until(fact: Callable[[], Awaitable[object]]) -> None:
    """Waits for what must come about. ``TimeoutError`` when it does not."""
    with anyio.fail_after(LIMIT_S):
        while not await fact():  # noqa: ASYNC110 - facts of other processes, which ring no bell
            await anyio.sleep(0.005)
