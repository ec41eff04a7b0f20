"""From a message to bytes, in MessagePack or in JSON."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from telemetry.contract import frames
from telemetry.contract.columns import unpack, unpack_bits, unpack_dt
from telemetry.contract.marks import COLUMNS

Encoding = Literal["msgpack", "json"]
ENCODINGS: tuple[Encoding, ...] = ("msgpack", "json")


def encode(message: msgspec.Struct, encoding: Encoding = "msgpack") -> bytes:
    """The payload of a frame or of any other message of the contract."""
    if encoding == "msgpack":
        return msgspec.msgpack.encode(message)
    raw: dict[str, Any] = msgspec.to_builtins(message, builtin_types=(bytes,))
    if isinstance(message, frames.PowerFrame):
        _power_arrays(message, raw)
    for event in raw.get("events", ()):
        _event_arrays(event)
    return msgspec.json.encode(raw)


def _power_arrays(frame: frames.PowerFrame, raw: dict[str, Any]) -> None:
    k = len(frame.ch)
    watts = [value if math.isfinite(value) else None for value in unpack("f", frame.w)]
    raw["w"] = [watts[at : at + k] for at in range(0, len(watts), k)]
    raw["dt"] = unpack_dt(frame.dt, frame.samples).tolist()
    if frame.counter_j is not None:
        raw["counter_j"] = unpack("d", frame.counter_j).tolist()


def _event_arrays(event: dict[str, Any]) -> None:
    for name, code in COLUMNS.get(event["kind"], ()):
        if event.get(name) is not None:
            event[name] = unpack(code, event[name]).tolist()
    if event.get("hits") is not None:
        event["hits"] = unpack_bits(event["hits"], sum(event["images"]))
