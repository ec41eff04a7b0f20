"""`ready`, said once a service can be used: on standard error for people and tests, to systemd for units."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from e3p.output import say
from telemetry.runtime.watchdog import Watchdog


class Announcer:
    """The last service of a command.

    `facts` are told once `until_ready` returns; what that raises ends the command. `trouble` says later what
    keeps it from working; systemd then hears no more of it.
    """

    name = "announcer"

    def __init__(
        self,
        command: str,
        until_ready: Callable[[], Awaitable[None]],
        facts: Callable[[], Mapping[str, str]],
        trouble: Callable[[], str | None],
    ) -> None:
        self._command = command
        self._until_ready = until_ready
        self._facts = facts
        self._trouble = trouble

    async def run(self) -> None:
        """Until cancelled."""
        await self._until_ready()
        words = " ".join(f"{name}={value}" for name, value in self._facts().items())
        say(f"e3p {self._command}: ready {words}")
        await Watchdog(self._trouble).run()
