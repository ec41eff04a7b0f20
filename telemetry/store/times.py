"""How far a frame reaches in time."""

from __future__ import annotations

from telemetry.contract.frames import ClockFrame, Frame, MarksFrame, PowerFrame


def last_ns(frame: Frame) -> int:
    """Monotonic ns of the last thing that a frame tells of; never before its `t0`."""
    if isinstance(frame, PowerFrame):
        return frame.last
    if isinstance(frame, MarksFrame):
        return max([frame.t0, *(event.t for event in frame.events)])
    if isinstance(frame, ClockFrame):
        return max([frame.t0, *(exchange.t4 for exchange in frame.exchanges)])
    return frame.t0
