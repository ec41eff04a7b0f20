"""A JSON message in MessagePack's shape: arrays packed as columns, decimal strings as numbers."""

from __future__ import annotations

import math
import re
from typing import Any

from telemetry.contract.columns import Code, pack, pack_bits, pack_dt
from telemetry.contract.errors import Refused
from telemetry.contract.marks import COLUMNS
from telemetry.contract.payload import Map
from telemetry.contract.topics import FrameKind

_DECIMAL = re.compile(r"-?[0-9]{1,20}")
_NS_FIELDS = ("anchor", "t0", "tick", "t", "t1", "t2", "t3", "t4", "since", "at")


def pack_json(raw: Map, kind: FrameKind | None = None) -> None:
    """Changes the map in place; `kind` is the frame's, and no other message has columns.

    Fields that the kind does not know stay as they are. Raises `Refused` with the path of what is wrong.
    """
    _whole_times(raw)
    if kind == "power":
        _pack_power(raw)
    elif kind == "marks":
        for at, event in enumerate(_maps(raw.get("events"))):
            _pack_event(event, f"events[{at}]")
    elif kind == "clock":
        for exchange in _maps(raw.get("exchanges")):
            _whole_times(exchange)


def _pack_power(raw: Map) -> None:
    if isinstance(raw.get("w"), list):
        raw["w"] = _packed("f", _flat(raw["w"], raw.get("ch")), "w")
    if isinstance(raw.get("dt"), list):
        offsets = _numbers(raw["dt"], "dt")
        try:
            raw["dt"] = pack_dt(offsets)
        except OverflowError:
            raise Refused("field", "dt", "an offset does not fit the column") from None
    _pack_column(raw, "counter_j", "d", "counter_j")
    _pack_column(raw, "t", "q", "t")


def _flat(rows: list[Any], ch: object) -> list[Any]:
    """The watts of all rows in one list."""
    if not isinstance(ch, list) or not ch:
        raise Refused("field", "ch", "missing, or no list of channel names")
    flat: list[Any] = []
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(ch):
            raise Refused("field", f"w[{at}]", f"a list of {len(ch)} watts is expected, one a channel")
        flat.extend(row)
    return flat


def _pack_event(event: Map, path: str) -> None:
    _whole_times(event)
    columns = COLUMNS.get(str(event.get("kind")))
    if columns is None:
        return
    if isinstance(event.get("hits"), list):
        event["hits"] = _packed_hits(event["hits"], event.get("images"), path)
    for name, code in columns:
        _pack_column(event, name, code, f"{path}.{name}")


def _packed_hits(hits: list[Any], images: object, path: str) -> bytes:
    if any(type(hit) is not int or hit not in (0, 1) for hit in hits):
        raise Refused("field", f"{path}.hits", "a list of 0 and 1 is expected, one for each image")
    if isinstance(images, list) and len(hits) != sum(_numbers(images, f"{path}.images")):
        raise Refused("field", f"{path}.hits", f"{len(hits)} hits for {sum(images)} images")
    return pack_bits(hits)


def _pack_column(holder: Map, name: str, code: Code, path: str) -> None:
    numbers = holder.get(name)
    if isinstance(numbers, list):
        whole = [_whole(number) for number in numbers] if code == "q" else numbers
        holder[name] = _packed(code, whole, path)


def _packed(code: Code, numbers: list[Any], path: str) -> bytes:
    """The column of these numbers; JSON's null is NaN where a column holds floating-point numbers."""
    if any(isinstance(number, bool) for number in numbers):
        raise Refused("field", path, "numbers are expected, not true or false")
    if code in ("f", "d"):
        numbers = [math.nan if number is None else number for number in numbers]
    try:
        return pack(code, numbers)
    except (TypeError, OverflowError) as error:
        raise Refused("field", path, f"not a column of numbers: {error}") from None


def _numbers(values: list[Any], path: str) -> list[int]:
    for at, value in enumerate(values):
        if type(value) is not int:
            raise Refused("field", f"{path}[{at}]", f"a whole number is expected, not {value!r:.40}")
    return values


def _whole_times(holder: Map) -> None:
    for name in _NS_FIELDS:
        if isinstance(holder.get(name), str):
            holder[name] = _whole(holder[name])


def _whole(value: Any) -> Any:  # noqa: ANN401 - what is no decimal string is left to be judged as it is
    return int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def _maps(value: object) -> list[Map]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
