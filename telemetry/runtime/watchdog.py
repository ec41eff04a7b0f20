"""The word to systemd: ready, alive, stopping (sd_notify(3)). Nothing is said where nobody asked for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping

import anyio

from telemetry.runtime import logs

LOOK_S = 10.0

log = logs.get("watchdog")


class Manager:
    """The service manager that started this process, if one did: `NOTIFY_SOCKET` is where it listens."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._path = env.get("NOTIFY_SOCKET", "")
        ours = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.patience_s = int(env.get("WATCHDOG_USEC", "0")) / 1e6 if ours else 0.0
        """It restarts a process that is silent for so long; 0: it does not watch."""

    def tell(self, words: str) -> None:
        """``READY=1`` and the like. A manager that is gone is no reason to end."""
        if not self._path:
            return
        # A name that begins with @ is one in the abstract namespace.
        path = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.settimeout(0)
                client.sendto(words.encode(), path)
        except OSError as error:
            log.debug("the service manager does not listen", why=str(error))


class Watchdog:
    """A service, run once the program is ready: says so, then that it is alive, while `trouble` gives None.

    A trouble is told in the log and in the unit's status; if it lasts, the manager restarts the program.
    """

    name = "watchdog"

    def __init__(self, trouble: Callable[[], str | None], manager: Manager | None = None) -> None:
        self._trouble = trouble
        self._manager = manager or Manager()

    async def run(self) -> None:
        """Until cancelled, which is the beginning of the program's end."""
        every_s = min(self._manager.patience_s / 2 or LOOK_S, LOOK_S)
        told: str | None = None
        self._manager.tell("READY=1")
        try:
            while True:
                told = self._look(told)
                await anyio.sleep(every_s)
        finally:
            self._manager.tell("STOPPING=1")

    def _look(self, told: str | None) -> str | None:
        words = self._trouble()
        if words is None:
            self._manager.tell("WATCHDOG=1")
        elif told is None:
            log.error("not well", why=words)
        if words != told:
            self._manager.tell(f"STATUS={words or 'well again'}")
        return words
