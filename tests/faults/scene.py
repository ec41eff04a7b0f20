"""One line of real processes, in a folder: broker, collector, analyzer, agents; all gone afterwards."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from tests.faults.device import Application, Device
from tests.faults.shelf import Shelf
from tests.faults.tap import Key
from tests.faults.witness import Witness
from tests.processes import CONNECTED, ROOT, Program, Sensor, until
from tests.servers import Mosquitto, find_mosquitto, missing_server

SENSORS = (
    Sensor("main", {"wave": "sine", "watts": 5.0, "amplitude": 10.0, "period_s": 2.0, "channels": 4}),
    Sensor("board", {"wave": "bursts", "watts": 20.0, "amplitude": 4.0, "period_s": 0.8, "channels": 2}),
    Sensor("soc", {"wave": "square", "watts": 3.0, "amplitude": 6.0, "period_s": 0.5, "channels": 1}),
)
MOMENT_S = 0.3
MOMENTS = 20
SETTLED_WITHIN_S = 300.0
STOP_WITHIN_S = 120.0


class Setting(NamedTuple):
    """What a row asks of its line before it starts. `lines`: more of the broker's configuration.

    `small_buffers`: of the network, so that a broker has to keep what a subscriber does not take.
    A broker that drops what a slow subscriber has not taken would leave the witness with holes.
    """

    nodes: Sequence[str] = ("bench",)
    lines: Sequence[str] = ("allow_anonymous true", "max_queued_messages 0")
    sensors: Sequence[Sensor] = SENSORS
    trial_hz: float = 200.0
    small_buffers: bool = False


class Scene:
    """`programs` are the collector and the analyzer of now; `devices` the nodes, the first one `device`.

    `ways` are where each of them finds the broker, if not at the broker itself. `props` is what a row has set
    up beside the line.
    """

    def __init__(
        self, folder: Path, shelf: Shelf, setting: Setting, broker: Mosquitto, tasks: TaskGroup
    ) -> None:
        self.folder, self.shelf, self.broker, self.tasks = folder, shelf, broker, tasks
        self.store = shelf.fresh("disturbed")
        self.ways: dict[str, str] = {}
        self.programs: dict[str, Program] = {}
        self.witness = Witness(broker.url)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
        self.env |= {"PYTHONPATH": str(ROOT), **shelf.env}
        self.devices: list[Device] = []
        self.trials: list[tuple[str, Device]] = []
        for at, name in enumerate(setting.nodes):
            home = folder / f"node{at}"
            home.mkdir()
            self.devices.append(Device(name, home, setting.sensors, setting.trial_hz))
        self.props = SimpleNamespace(remarks=[])
        self._started = 0

    @property
    def device(self) -> Device:
        """The first of the nodes."""
        return self.devices[0]

    async def start(self, command: str) -> Program:
        """`e3p collect` or `e3p analyze`, once it is connected."""
        if command in self.programs:
            self.programs[command].end()
        self._started += 1
        log = self.folder / f"{self._started}-{command}.log"
        given = [
            "-m",
            "e3p",
            command,
            "--mqtt",
            self.way(command),
            "--store",
            self.shelf.through_its_way(self.store),
        ]
        program = Program(given, log, self.env, self.folder)
        self.programs[command] = program
        program.start()
        await program.says(CONNECTED[command])
        return program

    async def start_all(self) -> None:
        """Collector, analyzer, agents."""
        async with anyio.create_task_group() as tasks:
            for command in ("collect", "analyze"):
                tasks.start_soon(self.start, command)
            for device in self.devices:
                tasks.start_soon(self.start_agent, device)

    async def start_agent(self, device: Device) -> Program:
        """A life of a node's agent."""
        return await device.start(self.way(device.name), self.env)

    def way(self, who: str) -> str:
        """Where a program or a node finds the broker."""
        return self.ways.get(who, self.broker.url)

    def mark(self, device: Device, trial: str, index: int) -> Application:
        """An application that begins a trial on a node."""
        application = Application(device, trial, index)
        self.trials.append((trial, device))
        self.tasks.start_soon(application.run)
        return application

    def unsettled(self) -> set[Key]:
        """The frames that rest in a spool for certain and of which no collector has spoken yet."""
        return set().union(*(device.unsettled(self.witness.is_settled) for device in self.devices))

    async def in_flight(self, chance: random.Random) -> set[Key]:
        """What is on its way at a moment of chance; nothing when at a good many moments nothing was."""
        for _ in range(MOMENTS):
            await anyio.sleep(chance.random() * MOMENT_S)
            if found := self.unsettled():
                return found
        return set()

    async def until_settled(self, keys: set[Key]) -> None:
        """A collector has spoken of all of these."""

        def left() -> set[Key]:
            still = {key for key in keys if not self.witness.is_settled(key)}
            return still & self.unsettled() if still and self.devices else still

        await until(lambda: not left(), lambda: f"not settled: {sorted(left())[:5]}", SETTLED_WITHIN_S)

    async def until_caught_up(self, waiting: set[Key]) -> None:
        """A frame that is made from now on is acknowledged, and so are those that waited."""
        before = self.made()
        await until(lambda: self.made() - before, lambda: "no frame is made any more")
        await self.until_settled(waiting | (self.made() - before))

    def made(self) -> set[Key]:
        """Every frame that a spool has taken."""
        return set().union(*(device.tap.refresh().committed for device in self.devices))

    async def stop_agents(self) -> None:
        """Every agent hands over what it has, and ends in order."""
        for device in self.devices:
            agent = device.agent
            if agent is not None and agent.process.poll() is None:
                status = await agent.interrupt()
                assert status == 0, f"{device.name} ended with {status}:\n{agent.text}"

    def end(self) -> None:
        """Nothing is left; what did not end in order by now is not asked again."""
        for program in [*self.programs.values(), *(device.agent for device in self.devices)]:
            if program is not None:
                if program.process.poll() is None:
                    program.kill()
                program.end()


@asynccontextmanager
async def opened_scene(folder: Path, shelf: Shelf, setting: Setting) -> AsyncIterator[Scene]:
    """A line with its broker, before anything else has started."""
    binary = find_mosquitto() or missing_server("no Mosquitto: apt-get install mosquitto")
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(Mosquitto(binary, folder, setting.lines))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        scene = Scene(folder, shelf, setting, broker, tasks)
        stack.callback(tasks.cancel_scope.cancel)
        stack.callback(scene.end)
        await stack.enter_async_context(scene.witness.watching())
        yield scene
