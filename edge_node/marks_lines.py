"""One line of the marks socket, from bytes to a checked event: docs/contract.md, "Marks on the device". Pure.

What passes here can never spoil the frame that it shares with other lines.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from telemetry.contract.decode import decode_event
from telemetry.contract.errors import Refused
from telemetry.contract.frames import VERSION
from telemetry.contract.marks import Event
from telemetry.contract.units import MAX_SEQ

MAX_PID = 2**31 - 1

Mark = Event | dict[str, Any]
"""An event; one of a kind that this version does not know stays a map, and is kept."""


class Line(NamedTuple):
    """A good line: the event, the process as it names itself, and the line's number there."""

    mark: Mark
    pid: int
    n: int
    size_bytes: int


class BadLine(Exception):
    """A line that is not taken. The text says what is wrong with it."""


def parse_line(datagram: bytes, came_ns: int) -> Line:
    """The event of one datagram that came at `came_ns` (monotonic): its time where it says none itself.

    Raises `BadLine`.
    """
    try:
        raw = msgspec.json.decode(datagram)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"no JSON: {str(error)[:120]}") from None
    if not isinstance(raw, dict):
        raise BadLine(f"a map is expected, not {type(raw).__name__}")
    if raw.pop("v", None) != VERSION:
        raise BadLine(f"v: {VERSION} is expected")
    raw.setdefault("t", came_ns)
    pid, n = _number(raw, "pid", MAX_PID), _number(raw, "n", MAX_SEQ)
    if raw.get("kind") == "trial_end":
        raw["power"] = {}  # only the agent knows which frame reaches past the end
    return Line(checked(raw), pid, n, len(datagram))


def checked(raw: dict[str, Any]) -> Mark:
    """The event of a map, if it can travel in a frame. Raises `BadLine`."""
    try:
        mark = decode_event(raw)
        msgspec.msgpack.encode(mark)
    except Refused as refused:
        raise BadLine(str(refused).replace("events[0].", "")) from None
    except OverflowError:
        raise BadLine("a number does not fit 64 bits") from None
    return mark


def time_of(mark: Mark) -> int:
    """When the application marked it, monotonic ns."""
    return int(mark["t"]) if isinstance(mark, dict) else mark.t


def _number(raw: dict[str, Any], name: str, most: int) -> int:
    number = raw.pop(name, None)
    if type(number) is not int or not 0 <= number <= most:
        raise BadLine(f"{name}: a whole number from 0 to {most} is expected")
    return number
