"""The processes that mark: the numbers of their lines, and the holes in them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple


class Process(NamedTuple):
    """A process that cannot be mistaken for a later one with its number: `started` is in the kernel's ticks.

    It is None when the process was gone before it could be looked at.
    """

    pid: int
    started: int | None


class Marker(NamedTuple):
    """A process, and the number that its next line should have."""

    process: Process
    next_n: int


class Markers:
    """What is known of each marking process."""

    def __init__(self, known: Iterable[Marker] = ()) -> None:
        self._next: dict[Process, int] = {marker.process: marker.next_n for marker in known}

    def lost_before(self, process: Process, n: int) -> int:
        """How many lines of this process never came before its line `n`. A lower `n` begins anew.

        A process that was gone before it could be looked at is the one that was known by its number: its
        last line is often read after its end.
        """
        if process.started is None:
            process = next((known for known in reversed(self._next) if known.pid == process.pid), process)
        lost = max(0, n - self._next.get(process, 0))
        self._next[process] = n + 1
        return lost

    def forget(self, gone: Collection[Process]) -> None:
        """These processes are no more."""
        for process in gone:
            self._next.pop(process, None)

    @property
    def processes(self) -> list[Process]:
        """All that are known."""
        return list(self._next)

    def snapshot(self) -> list[Marker]:
        """What a spool keeps, so that a restart of the agent finds the holes that it makes."""
        return [Marker(process, n) for process, n in self._next.items()]
