"""A payload as a plain map: MessagePack or JSON told apart, limits kept, JSON's columns packed."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from telemetry.contract.columns import pack, pack_bits, pack_dt
from telemetry.contract.errors import Refused
from telemetry.contract.marks import COLUMNS
from telemetry.contract.units import MAX_DEPTH, MAX_PAYLOAD_BYTES, MAX_TEXT

Map = dict[str, Any]

_DECIMAL = re.compile(r"-?[0-9]{1,20}")
_NS_FIELDS = ("anchor", "t0", "tick", "t", "t1", "t2", "t3", "t4", "since", "at")


def is_json(payload: bytes) -> bool:
    """Whether a payload is JSON: its first byte is ``{``."""
    return payload[:1] == b"{"


def parse_payload(payload: bytes) -> Map:
    """The payload's map as it was sent. Raises `Refused` (``size`` or ``decode``)."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Refused("size", "payload", f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES}")
    try:
        raw = msgspec.json.decode(payload) if is_json(payload) else msgspec.msgpack.decode(payload)
    except RecursionError:
        raise Refused("size", "payload", f"nested deeper than {MAX_DEPTH}") from None
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        words = "JSON" if is_json(payload) else "MessagePack"
        raise Refused("decode", "payload", f"not {words}: {str(error)[:120]}") from None
    if not isinstance(raw, dict):
        raise Refused("decode", "payload", f"a map is expected, not {type(raw).__name__}")
    return raw


def check_limits(raw: Map) -> None:
    """Raises `Refused` (``size``) where a text is too long or a map too deep, in a known field or not."""
    _survey(raw, "", 1)


def _survey(value: object, path: str, depth: int) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Refused("size", path or "payload", f"text of {len(value)} characters; at most {MAX_TEXT}")
        return
    if not isinstance(value, (dict, list)):
        return
    if depth > MAX_DEPTH:
        raise Refused("size", path[:MAX_TEXT], f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Refused("field", path or "payload", f"a map's keys are text, not {type(key).__name__}")
            _survey(key, path, depth)
            if type(item) not in _SCALARS:
                _survey(item, f"{path}.{key}" if path else key, depth + 1)
        return
    for at, item in enumerate(value):
        if type(item) not in _SCALARS:
            _survey(item, f"{path}[{at}]", depth + 1)


_SCALARS = (int, float, bytes, bool, type(None))


def pack_json(raw: Map) -> None:
    """Brings a JSON message into MessagePack's shape: columns packed, decimal strings of times whole."""
    _whole_times(raw)
    if "w" in raw:
        _pack_power(raw)
    for at, event in enumerate(_maps(raw.get("events"))):
        _whole_times(event)
        for name, code in COLUMNS.get(str(event.get("kind")), ()):
            _pack_column(event, name, code, f"events[{at}].{name}")
        if isinstance(event.get("hits"), list):
            event["hits"] = pack_bits(_numbers(event["hits"], f"events[{at}].hits"))
    for exchange in _maps(raw.get("exchanges")):
        _whole_times(exchange)


def _pack_power(raw: Map) -> None:
    rows = raw["w"]
    if isinstance(rows, list):
        channels = len(raw["ch"]) if isinstance(raw.get("ch"), list) else 0
        flat: list[float] = []
        for at, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != channels:
                raise Refused("field", f"w[{at}]", f"a list of {channels} watts is expected, one a channel")
            flat.extend(float("nan") if watts is None else watts for watts in row)
        raw["w"] = _packed("f", flat, "w")
    if isinstance(raw.get("dt"), list):
        offsets = _numbers(raw["dt"], "dt")
        try:
            raw["dt"] = pack_dt(offsets)
        except OverflowError:
            raise Refused("field", "dt", "an offset does not fit the column") from None
    _pack_column(raw, "counter_j", "d", "counter_j")
    _pack_column(raw, "t", "q", "t")


def _pack_column(holder: Map, name: str, code: Any, path: str) -> None:
    numbers = holder.get(name)
    if isinstance(numbers, list):
        whole = [_whole(number) for number in numbers] if code == "q" else numbers
        holder[name] = _packed(code, whole, path)


def _packed(code: Any, numbers: list[Any], path: str) -> bytes:
    if any(isinstance(number, bool) for number in numbers):
        raise Refused("field", path, "numbers are expected, not true or false")
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


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def _maps(value: object) -> list[Map]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
