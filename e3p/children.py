"""The programs of a demonstration: real processes that meet only at the broker, and all end with it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import anyio

from telemetry.contract.errors import UserError

START_S = 60.0
STOP_S = 20.0
_READY = re.compile(r"ready mqtt=(?P<mqtt>\S+) store=(?P<store>\S+) page=(?P<page>\S+)")


class Child:
    """One `e3p` command as a process; what it says goes to a log file."""

    def __init__(self, arguments: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.arguments = list(arguments)
        self.log = log
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Child:
        # A session of its own: Ctrl-C reaches this program alone, which then ends its children in order.
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e3p", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Asks it to stop, which lets it finish its work; ends it when it does not."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    async def says(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Waits for a line of its log. Raises `UserError` with its last words when it ends before."""
        with anyio.move_on_after(START_S):
            while True:
                text = self.log.read_text(encoding="utf-8", errors="replace")
                if found := pattern.search(text):
                    return found
                if self._running().poll() is not None:
                    break
                await anyio.sleep(0.1)
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise UserError(f"`e3p {self.arguments[0]}` did not start: {''.join(last) or 'it said nothing'}")

    async def ready(self) -> dict[str, str]:
        """The addresses that `e3p serve` says when it is ready."""
        return (await self.says(_READY)).groupdict()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise TypeError("the process was not started")
        return self._process
