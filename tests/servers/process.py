"""A server as a process of the test's own, and where its program is found."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TypeVar

import psutil
import pytest

START_WITHIN_S = 30.0
STOP_WITHIN_S = 10.0
PORT_TRIES = 5
POLL_S = 0.01
GO = Path(__file__).parent / "go"

Server = TypeVar("Server", bound="ServerProcess")


def missing_server(words: str) -> NoReturn:
    """A laptop may lack a server, and skips; a CI that lacks one has not tested, and fails."""
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def free_port() -> int:
    """A loopback port that nobody listens on now; another process may still take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def built(tool: str) -> Path:
    """The folder of what `scripts/go-servers.sh` built from `go/TOOL`: named by a hash of its recipe."""
    recipe = b"".join((GO / tool / name).read_bytes() for name in ("go.mod", "go.sum", "build.sh"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "e3p-test-servers" / f"{tool}-{hashlib.sha256(recipe).hexdigest()[:12]}" / "bin"


def find(binary: str, tool: str) -> str:
    """The program from PATH, else from the cache; else the test is skipped, or fails where CI is set."""
    found = shutil.which(binary) or shutil.which(binary, path=str(built(tool)))
    return found or missing_server(f"no {binary}: `make servers` builds it once (with go)")


class ServerProcess:
    """One process on 127.0.0.1, that can be taken away and given back on the same port.

    It is up when it listens itself: whoever else has taken its port in between is not mistaken for it.
    """

    host = "127.0.0.1"

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = 0
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    def command(self) -> Sequence[str]:
        """What starts it on `port`."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it can be used, once it listens."""
        return True

    def __enter__(self: Server) -> Server:  # noqa: PYI019 - typing.Self came with 3.11
        for _ in range(PORT_TRIES):
            self.port = free_port()
            try:
                self.start()
            except OSError:
                self.stop()
            else:
                return self
        raise OSError(f"{self.name} did not start {PORT_TRIES} times: {self.log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it, and returns when it answers. Raises `OSError` with its log when it does not."""
        command = self.command()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_WITHIN_S
        while not (self._listens() and self.answers()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"{self.name} is not up on port {self.port}: {self.log.read_text()}")
            time.sleep(POLL_S)

    def _listens(self) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            held = psutil.Process(self.pid).net_connections("tcp")
            return any(each.status == psutil.CONN_LISTEN and each.laddr.port == self.port for each in held)
        return False

    def stop(self) -> None:
        """Ends it in order, or by force when it does not end in time."""
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
        """Ends it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self.stop()

    def restart(self) -> None:
        """Stops and starts."""
        self.stop()
        self.start()
