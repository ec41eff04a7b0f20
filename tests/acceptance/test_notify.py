"""Real programs, and what a service manager hears of them on its socket."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.processes import Line, Program, until
from tests.servers import Broker

pytestmark = pytest.mark.anyio

PATIENCE_S = 3.0


class Manager:
    """As systemd listens: every word, with the time at which it came."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.heard: list[tuple[float, str]] = []

    def words(self, since_s: float = 0.0) -> list[str]:
        while True:
            try:
                self.heard.append((time.monotonic(), self._listener.recv(4096).decode()))
            except BlockingIOError:
                return [word for at_s, word in self.heard if at_s >= since_s]

    async def hears(self, word: str, since_s: float = 0.0) -> None:
        await until(lambda: word in self.words(since_s), lambda: f"no {word} in {self.heard}")

    async def is_content(self, pauses: int = 2) -> None:
        """The watchdog is fed, again and again."""
        for _ in range(pauses):
            await self.hears("WATCHDOG=1", time.monotonic())

    async def is_worried(self) -> None:
        """Nothing comes for as long as it is patient."""
        while "WATCHDOG=1" in self.words(since_s := time.monotonic()):
            pass
        await anyio.sleep(PATIENCE_S)
        assert "WATCHDOG=1" not in self.words(since_s)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield Manager(listener)


@pytest.fixture
def line(tmp_path: Path, mosquitto: Broker, manager: Manager) -> Iterator[Line]:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        line.env |= {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": str(round(PATIENCE_S * 1e6)),
        }
        yield line


async def started(line: Line, command: str) -> Program:
    port = ["--port", "0"] if command == "serve" else []
    return line.run(command, *port, "--mqtt", line.mqtt or "")


@pytest.mark.parametrize("command", ["collect", "analyze", "serve", "edge"])
async def test_a_program_says_that_it_is_ready_alive_and_stopping(
    line: Line, manager: Manager, command: str
) -> None:
    program = await started(line, command)
    await manager.hears("READY=1")
    assert f"e3p {command}: ready " in program.text
    await manager.is_content()
    assert await program.interrupt(signal.SIGTERM) == 0
    assert manager.words()[0] == "READY=1"
    assert manager.words()[-1] == "STOPPING=1"


async def test_an_agent_is_ready_without_a_broker(line: Line, manager: Manager) -> None:
    line.mqtt = "mqtt://127.0.0.1:1"
    program = await started(line, "edge")
    await manager.hears("READY=1")
    await manager.is_content()
    assert await program.interrupt() == 0


async def test_a_collector_without_a_broker_is_not_ready(line: Line, manager: Manager) -> None:
    line.mqtt = "mqtt://127.0.0.1:1"
    program = await started(line, "collect")
    await program.until(lambda: "refused" in program.text, "said why")
    assert not manager.words()
    assert await program.interrupt() == 0


async def test_an_agent_whose_sampler_hangs_feeds_no_watchdog_until_it_goes_on(
    line: Line, manager: Manager
) -> None:
    agent = await started(line, "edge")
    await manager.is_content()
    (sampler,) = [each for each in agent.family() if "edge_node.sampler_child" in each.cmdline()]
    sampler.suspend()
    await until(
        lambda: any("STATUS=sampler: no sign of life" in word for word in manager.words()),
        lambda: f"no status in {manager.heard}",
    )
    await manager.is_worried()
    sampler.resume()
    await manager.hears("STATUS=well again")
    await manager.is_content()
    assert await agent.interrupt() == 0
