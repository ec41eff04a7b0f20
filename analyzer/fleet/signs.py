"""Signs: what is seen of a node, before anybody knows whether it was told already. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from telemetry.contract.events import FindingKind, Severity

Turn = Literal["begin", "end", "moment"]
"""A sign of something that lasts, of its end, or of something that happened once."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen, since when (UTC ns; of an end: when it ended). The fields are those of `Finding`."""

    turn: Turn = "begin"
    kind: FindingKind
    node: str | None = None
    subject: str | None = None
    at: int
    severity: Severity = "warning"
    words: str = ""
    device: str | None = None
    model: str | None = None
    value: float | None = None
    expected: float | None = None
    unit: str | None = None
    cause: str | None = None


@dataclass
class Latch:
    """Turns on after `on` looks in a row that see something, and off after `off` that do not.

    It begins undecided, so that what an earlier run told of is ended too.
    """

    on: int
    off: int
    state: bool | None = None
    since_ns: int = 0
    _run: int = 0
    _seen: bool | None = None

    def see(self, *, holds: bool, at_ns: int) -> Turn | None:
        """One look. What turned with it; `since_ns` is then the first look that saw it so."""
        if holds != self._seen:
            self._seen, self._run, self.since_ns = holds, 0, at_ns
        self._run += 1
        if self.state == holds or self._run < (self.on if holds else self.off):
            return None
        self.state = holds
        return "begin" if holds else "end"
