"""An agent with its sampler inside a test, or as a process; and an application that marks."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec

from edge_node.app import run_agent
from edge_node.power.sensor import SensorSpec
from edge_node.settings import EdgeSettings
from telemetry.contract.marks import TrialEnd
from telemetry.runtime.mqtt import Address
from tests.fakes.collector import FakeCollector
from tests.servers import Broker

NODE = "node-1"
WITHIN_S = 30.0


def settings_in(folder: Path, **more: Any) -> EdgeSettings:
    given = {
        "node": NODE,
        "spool": str(folder / "node.spool"),
        "socket": str(folder / "marks.sock"),
        "sensors": (SensorSpec("synthetic"),),
        "watch_hz": 50.0,
        "trial_hz": 500.0,
    }
    return EdgeSettings(**{**given, **more})


@contextlib.asynccontextmanager
async def running(broker: Broker, settings: EdgeSettings) -> AsyncIterator[None]:
    """An agent inside this process; leaving the block stops it in order."""
    stop = anyio.Event()
    over = anyio.Event()

    async def run() -> None:
        await run_agent(settings, Address.parse(broker.url), stop=stop)
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        stop.set()
        with anyio.fail_after(WITHIN_S):
            await over.wait()


@contextlib.asynccontextmanager
async def collecting(broker: Broker) -> AsyncIterator[FakeCollector]:
    collector = FakeCollector(broker.url, NODE)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collector.run)
        await collector.link.until_connected()
        yield collector
        tasks.cancel_scope.cancel()


async def until(true: Callable[[], object]) -> None:
    with anyio.fail_after(WITHIN_S):
        while not true():  # noqa: ASYNC110 - of many unlike things
            await anyio.sleep(0.02)


class Application:
    """What marks: the numbers of its lines, sent for the process `pid`."""

    def __init__(self, folder: Path, pid: int | None = None) -> None:
        self._path = str(folder / "marks.sock")
        self.pid = pid or os.getpid()
        self.n = 0

    def say(self, kind: str, t: int | None = None, **fields: Any) -> int:
        t = time.monotonic_ns() if t is None else t
        self.raw(json.dumps({"v": 1, "pid": self.pid, "n": self.n, "kind": kind, "t": t, **fields}).encode())
        self.n += 1
        return t

    def raw(self, line: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(line, self._path)

    def begin(self, trial: str = "t1") -> int:
        more = {"model": "m", "dataset": "d", "batch_size": 1, "group": "g", "index": 0}
        return self.say("trial_begin", trial=trial, **more)

    def end(self, trial: str = "t1") -> int:
        return self.say("trial_end", trial=trial, status="ok", images=0)


AGENT = """
import sys, anyio, msgspec
from edge_node import agent, boots, delivery
from edge_node.accounts import Name
from edge_node.app import run_agent
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.settings import EdgeSettings
from telemetry.runtime.mqtt import Address
anyio.run(run_agent, msgspec.json.decode(sys.argv[1], type=EdgeSettings), Address.parse(sys.argv[2]))
"""


@contextlib.contextmanager
def child_agent(broker: Broker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent as a process of its own."""
    settings = msgspec.json.encode(settings_in(folder)).decode()
    child = subprocess.Popen([sys.executable, "-c", AGENT, settings, broker.url])
    try:
        yield child
    finally:
        child.terminate()
        child.wait(WITHIN_S)


def ends_of(collector: FakeCollector) -> list[TrialEnd]:
    return [event for event in collector.events() if isinstance(event, TrialEnd)]
