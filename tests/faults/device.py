"""A node under test: a real agent with a tap at its spool, and an application that marks trials."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

from telemetry.contract.intervals import IntervalSet
from tests.faults.tap import Key, Made, Tap
from tests.processes import Program, Sensor

BATCH_S = 0.05
IMAGES = 4
BEGINS = re.compile("boot begins")


class Application:
    """One trial, in batches, from `begin` until `end`; lines that nobody takes are kept and sent again."""

    def __init__(self, device: Device, trial: str, index: int) -> None:
        self.trial = trial
        self._device, self._index = device, index
        self._images = 0
        self._over = anyio.Event()
        self._ended = anyio.Event()

    async def run(self) -> None:
        """To be started in a group of tasks."""
        say = self._device.say
        say("prepare", group=self._group)
        await anyio.sleep(0.2)
        labels = {"model": "toy", "dataset": "none", "batch_size": IMAGES}
        say("trial_begin", trial=self.trial, **labels, group=self._group, index=self._index)
        while not self._over.is_set():
            begin_ns = time.monotonic_ns()
            with anyio.move_on_after(BATCH_S):
                await self._over.wait()
            columns = {"begin": [begin_ns], "end": [time.monotonic_ns()], "images": [IMAGES]}
            say("batches", trial=self.trial, **columns)
            self._images += IMAGES
        say("trial_end", trial=self.trial, status="ok", images=self._images)
        while self._device.unsaid:
            await anyio.sleep(BATCH_S)
            self._device.resend()
        self._ended.set()

    async def finish(self) -> None:
        """The end of the trial is with the agent."""
        self._over.set()
        await self._ended.wait()

    @property
    def _group(self) -> str:
        return f"{self._device.name}-faults"


class Device:
    """`start` begins a life of its agent on its spool; `tap` has what all of them made."""

    def __init__(self, name: str, folder: Path, sensors: Sequence[Sensor], trial_hz: float) -> None:
        self.name = name
        self.folder = folder
        self.sensors = {sensor.stream: sensor for sensor in sensors}
        self.tap = Tap(folder / "tap")
        self.clock = folder / "clock"
        self.spool = folder / "spool" / "node.spool"
        self.config = folder / "edge.toml"
        self.kernel = ""
        self.agent: Program | None = None
        self.unsaid: deque[bytes] = deque()
        self._socket = folder / "marks.sock"
        self._said = 0
        self.spool.parent.mkdir()
        self.config.write_text(self._settings(trial_hz))

    async def start(self, mqtt: str, env: Mapping[str, str]) -> Program:
        """A new agent, once its boot began; the one before is gone."""
        if self.agent is not None:
            self.agent.end()
        lives = sum(1 for _ in self.folder.glob("*.log"))
        arguments = ["-m", "tests.faults.tap", str(self.tap.folder), str(self.clock), self.kernel]
        arguments += ["edge", "--mqtt", mqtt, "--config", str(self.config)]
        self.agent = Program(arguments, self.folder / f"{lives}.log", env, self.folder)
        self.agent.start()
        await self.agent.says(BEGINS)
        return self.agent

    def made(self) -> list[Made]:
        """All that was handed to its spool, in order."""
        return list(self.tap.refresh().offered.values())

    def unsettled(self, settled: Callable[[Key], bool]) -> set[Key]:
        """What its spool has for certain, as far as it was told or `settled` knows what may leave."""
        return {key for key in self.tap.refresh().committed if not settled(key) and not self.was_told(key)}

    def was_told(self, key: Key) -> bool:
        """Whether its agents have heard that a collector has this frame; no witness need have."""
        return key.seq in self.tap.settled.get((key.boot, key.stream), IntervalSet())

    def say(self, kind: str, **fields: Any) -> None:
        """One line to the agent's socket."""
        head = {"v": 1, "pid": os.getpid(), "n": self._said, "kind": kind, "t": time.monotonic_ns()}
        self._said += 1
        self.unsaid.append(json.dumps({**head, **fields}).encode())
        self.resend()

    def resend(self) -> None:
        """Sends what waits, as far as somebody takes it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            while self.unsaid:
                try:
                    sender.sendto(self.unsaid[0], str(self._socket))
                except OSError:
                    return
                self.unsaid.popleft()

    def _settings(self, trial_hz: float) -> str:
        edge = {
            "node": self.name,
            "spool": str(self.spool),
            "socket": str(self._socket),
            "trial_hz": trial_hz,
            "drain_s": 60.0,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in edge.items()]
        return "\n".join(["[edge]", *lines, *(sensor.toml() for sensor in self.sensors.values())])
