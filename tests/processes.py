"""Whole programs for acceptance tests: `e3p` commands as processes, with a folder of their own, always ended.

A `Line` is a server and an agent on one broker. Everything it starts is known by its process id and gone when
its block is left, and so is everything that those processes started.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
import psutil

from edge_node.power.synthetic import Options
from telemetry.contract.encode import Encoding
from telemetry.store.access import Access
from telemetry.store.interface import Store
from telemetry.store.open import NOTHING, opened_store

ROOT = Path(__file__).resolve().parents[1]
APPLICATION = Path(__file__).with_name("application.py")
WITHIN_S = 60.0
STOP_S = 30.0
POLL_S = 0.02
NODE = "bench"

CONNECTED = {
    "collect": re.compile(r"connected .*client=e3p-collector-[0-9a-f]+ "),
    "analyze": re.compile(r"connected .*client=e3p-analyzer-[0-9a-f]+ "),
    "edge": re.compile(rf"connected .*client={NODE}-"),
}
READY = re.compile(r"ready mqtt=(?P<mqtt>\S+) store=(?P<store>\S+) page=(?P<page>\S+)")


class Sensor(NamedTuple):
    """A stream of the synthetic sensor."""

    stream: str
    options: dict[str, Any]

    def true_j(self, begin_ns: int, end_ns: int) -> float:
        """The exact energy of the waveform between two monotonic instants."""
        return Options(**self.options).waveform().energy_j(begin_ns * 1e-9, end_ns * 1e-9)

    def toml(self) -> str:
        """As a table of `e3p.toml`."""
        options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in self.options.items())
        return (
            f'[[edge.sensors]]\ndriver = "synthetic"\nstream = "{self.stream}"\noptions = {{ {options} }}\n'
        )


SINE = Sensor("main", {"wave": "sine", "watts": 5.0, "amplitude": 10.0, "period_s": 2.0, "channels": 4})
BURSTS = Sensor("board", {"wave": "bursts", "watts": 20.0, "amplitude": 4.0, "period_s": 0.8, "channels": 2})


class Place(NamedTuple):
    """A store's URL, how a test opens it, and what its programs need beside the URL."""

    url: str
    access: Access = NOTHING
    env: Mapping[str, str] = MappingProxyType({})


class Program:
    """One process; what it says goes to a file."""

    def __init__(self, arguments: Sequence[str], log: Path, env: Mapping[str, str], folder: Path) -> None:
        self.arguments = list(arguments)
        self.log = log
        self._env, self._folder = env, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self._process is not None, f"{self.arguments} was not started"
        return self._process

    @property
    def text(self) -> str:
        """All it has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """In a session of its own: a signal of the test goes to it alone."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(self._env),
                cwd=self._folder,
                start_new_session=True,
            )

    async def says(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Waits for a line."""
        found = await self.until(lambda: pattern.search(self.text), f"said {pattern.pattern!r}")
        assert isinstance(found, re.Match)
        return found

    async def until(self, fact: Callable[[], object], words: str) -> object:
        """Waits for a fact, as long as the process lives."""

        def looked() -> object:
            # The exit code first: what was said before it is then in the log.
            over = self.process.poll() is not None
            found = fact()
            assert found or not over, f"{self.arguments} ended before it {words}:\n{self.text}"
            return found

        return await until(looked, lambda: f"{self.arguments} never {words}:\n{self.text}")

    def family(self) -> list[psutil.Process]:
        """The process and all that it started."""
        own = psutil.Process(self.process.pid)
        self._family = [own, *own.children(recursive=True)]
        return self._family

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.family()
        self.process.kill()
        self.process.wait()

    async def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C; its exit code, once neither it nor anything it started is left."""
        family = self.family()
        self.process.send_signal(number)
        status = await anyio.to_thread.run_sync(self.process.wait, STOP_S)
        left = [process for process in family[1:] if process.is_running()]
        assert not left, f"{self.arguments} left {left}"
        return status

    def end(self) -> None:
        """Makes sure that nothing is left of it, whatever the test has done."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.family()
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for process in self._family[1:]:
            if process.is_running():
                process.kill()
        if self._process.stdin:
            self._process.stdin.close()


class Line:
    """The programs of one test, by command. `mqtt` is the broker's URL, once there is one."""

    def __init__(
        self,
        folder: Path,
        *,
        encoding: Encoding = "msgpack",
        sensors: Sequence[Sensor] = (SINE,),
        place: Place | None = None,
    ) -> None:
        self.folder = folder
        self.sensors = {sensor.stream: sensor for sensor in sensors}
        self.mqtt: str | None = None
        self.place = place or Place(f"sqlite:///{folder / 'e3p.db'}")
        self.store = self.place.url
        self.programs: list[Program] = []
        self._config = folder / "e3p.toml"
        self._config.write_text(self._settings(encoding, sensors))
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
        self.env |= {
            "PYTHONPATH": str(ROOT),
            "E3P_STORE": self.store,
            **self.place.env,
            "E3P_EDGE_ENCODING": encoding,
            "E3P_SOCKET": str(folder / "marks.sock"),
        }

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for program in reversed(self.programs):
            program.end()
            if error is not None:
                print(f"--- {' '.join(program.arguments)}\n{program.text}")

    async def serve(self, mqtt: str | None = None, port: int = 0) -> Program:
        """`e3p serve`, with its own broker unless `mqtt` names one."""
        broker = ["--mqtt", mqtt] if mqtt else ["--broker-port", str(port)]
        program = self.run("serve", "--port", "0", *broker)
        self.mqtt = (await program.says(READY))["mqtt"]
        return program

    async def part(self, command: str) -> Program:
        """`e3p collect`, `analyze` or `edge`, once it is connected to the broker."""
        program = self.run(command, "--mqtt", self.mqtt or "")
        await program.says(CONNECTED[command])
        return program

    async def edge(self) -> Program:
        """The agent, once its boot is on the disk and its state is `ready`."""
        program = await self.part("edge")
        await program.says(re.compile("boot begins"))
        return program

    def run(self, command: str, *arguments: str) -> Program:
        """Starts an `e3p` command."""
        given = ["-m", "e3p", command, *arguments, "--config", str(self._config)]
        return self._start(given, command)

    async def application(self, trial: str, *, group: str = "g", index: int = 0) -> Program:
        """The application that marks one trial, once it is inside of it; `finish` lets it end."""
        program = self._start([str(APPLICATION), trial, group, str(index)], trial)
        await program.says(re.compile(r"^begun$", re.MULTILINE))
        return program

    async def trial(self, trial: str, seconds: float = 2.0, *, index: int = 0) -> None:
        """One whole trial."""
        application = await self.application(trial, index=index)
        await anyio.sleep(seconds)
        await finish(application)

    def opened(self) -> AbstractAsyncContextManager[Store]:
        """The store, for a look into it."""
        return opened_store(self.store, create=False, access=self.place.access)

    def ask(self, *arguments: str) -> tuple[int, Any]:
        """A command that answers in JSON: its exit code and its document."""
        command = [sys.executable, "-m", "e3p", *arguments, "--json", "--config", str(self._config)]
        done = subprocess.run(
            command, env=self.env, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.stdout, f"{arguments}: exit {done.returncode}\n{done.stderr}"
        return done.returncode, json.loads(done.stdout)

    def _start(self, arguments: list[str], name: str) -> Program:
        log = self.folder / f"{len(self.programs)}-{name}.log"
        program = Program(arguments, log, self.env, self.folder)
        self.programs.append(program)
        program.start()
        return program

    def _settings(self, encoding: Encoding, sensors: Sequence[Sensor]) -> str:
        edge = {
            "node": NODE,
            "spool": str(self.folder / "node.spool"),
            "socket": str(self.folder / "marks.sock"),
            "encoding": encoding,
            "trial_hz": 1000.0,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in edge.items()]
        return "\n".join(["[edge]", *lines, *(sensor.toml() for sensor in sensors)])


async def finish(application: Program) -> None:
    """Lets an application end its trial, and waits for its own end."""
    stdin = application.process.stdin
    assert stdin is not None
    stdin.close()
    assert await anyio.to_thread.run_sync(application.process.wait, STOP_S) == 0, application.text


async def until(fact: Callable[[], object], words: Callable[[], str], within_s: float = WITHIN_S) -> object:
    """Polls for a fact that must come about; the limit is for broken programs, not for slow machines."""
    deadline = time.monotonic() + within_s
    while not (found := fact()):
        assert time.monotonic() < deadline, words()
        await anyio.sleep(POLL_S)
    return found
