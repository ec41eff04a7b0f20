"""How far a frame reaches in time."""

from __future__ import annotations

import msgspec

from telemetry.contract.frames import ClockFrame, Frame, MarksFrame, PowerFrame


class _Told(msgspec.Struct, frozen=True):
    """What a document may say of its time, ns."""

    end: int | None = None
    at: int | None = None


def told_at(doc: bytes) -> int | None:
    """When a document happened, ns: its `end`, else its `at`; None where it says neither."""
    try:
        told = msgspec.json.decode(doc, type=_Told)
    except msgspec.DecodeError:
        return None
    return told.at if told.end is None else told.end


def last_ns(frame: Frame) -> int:
    """Monotonic ns of the last thing that a frame tells of; never before its `t0`."""
    if isinstance(frame, PowerFrame):
        return frame.last
    if isinstance(frame, MarksFrame):
        return max([frame.t0, *(event.t for event in frame.events)])
    if isinstance(frame, ClockFrame):
        return max([frame.t0, *(exchange.t4 for exchange in frame.exchanges)])
    return frame.t0
