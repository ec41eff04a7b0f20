"""A mark: one event of an application, and where it stands. Pure."""

from __future__ import annotations

from typing import NamedTuple

from telemetry.contract import marks
from telemetry.contract.frames import StreamKey


class Mark(NamedTuple):
    """One event and where it stands: `time` is node time ns, `at` its place within the frame."""

    time: int
    key: StreamKey
    seq: int
    at: int
    event: marks.Event

    @property
    def anchor(self) -> int:
        """The anchor of its boot, ns."""
        return self.time - self.event.t
