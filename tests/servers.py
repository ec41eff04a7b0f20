"""Real servers for the tests: on free loopback ports, with their own configuration, gone afterwards."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

import pytest

START_WITHIN_S = 10.0
STOP_WITHIN_S = 5.0
PORT_TRIES = 5


class Broker(Protocol):
    """An MQTT broker that a test can take away and give back, always on one address."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """`mqtt://HOST:PORT`."""

    def start(self) -> None:
        """Start it, and return when it accepts connections. It comes back empty: nothing is persisted."""

    def stop(self) -> None:
        """End it, with every session and retained message it had."""

    def kill(self) -> None:
        """End it with SIGKILL: no goodbye to its clients."""

    def restart(self) -> None:
        """Stop and start."""


def free_port() -> int:
    """A loopback port that nobody listens on now; another process may still take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_mosquitto() -> str | None:
    """Debian puts it into /usr/sbin, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """One Mosquitto process on 127.0.0.1: anonymous clients, nothing on disk but its log."""

    host = "127.0.0.1"

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._config = folder / "mosquitto.conf"
        self.log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    def __enter__(self) -> Mosquitto:
        for _ in range(PORT_TRIES):
            self.port = free_port()
            try:
                self.start()
            except OSError:
                self.stop()
            else:
                return self
        raise OSError(f"Mosquitto did not start {PORT_TRIES} times: {self.log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous true\npersistence false\n"
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([self._binary, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"Mosquitto is not up on port {self.port}: {self.log.read_text()}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.stop()

    def restart(self) -> None:
        self.stop()
        self.start()


class NamedBroker:
    """A broker that somebody else runs: a test that has to take it away is skipped."""

    def __init__(self, url: str, host: str, port: int) -> None:
        self._url, self.host, self.port = url, host, port

    @property
    def url(self) -> str:
        return self._url

    @classmethod
    def from_url(cls, url: str) -> NamedBroker:
        """From `mqtt://HOST[:PORT]`."""
        parts = urlsplit(url)
        return cls(url, parts.hostname or "127.0.0.1", parts.port or 1883)

    def _not_ours(self) -> None:
        pytest.skip("the broker in E3P_TEST_MQTT is not ours to stop")

    start = stop = kill = restart = _not_ours
