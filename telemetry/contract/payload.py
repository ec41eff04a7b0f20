"""A payload as a plain map: MessagePack or JSON told apart, limits kept."""

from __future__ import annotations

from typing import Any

import msgspec

from telemetry.contract.errors import Refused
from telemetry.contract.units import MAX_DEPTH, MAX_PAYLOAD_BYTES, MAX_TEXT

Map = dict[str, Any]


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
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise Refused("size", path[:MAX_TEXT], f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            _survey_map(value, path, depth)
            return
        for at, item in enumerate(value):
            if type(item) not in _SCALARS:
                _survey(item, f"{path}[{at}]", depth + 1)


def _survey_map(value: dict[object, object], path: str, depth: int) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise Refused("field", path or "payload", f"a map's keys are text, not {type(key).__name__}")
        _survey(key, path, depth)
        if type(item) not in _SCALARS:
            _survey(item, f"{path}.{key}" if path else key, depth + 1)


_SCALARS = (int, float, bytes, bool, type(None))


def packed_bytes(raw: Map, *, ordered: bool = False) -> bytes:
    """The map in MessagePack. Raises `Refused` where JSON brought a number that MessagePack cannot carry."""
    try:
        return msgspec.msgpack.encode(raw, order="sorted" if ordered else None)
    except OverflowError:
        raise Refused("field", _beyond_64_bits(raw, ""), "a whole number beyond 64 bits") from None


def _beyond_64_bits(value: object, path: str) -> str:
    """Where in the map the number stands that is too large; empty when it is not here."""
    if isinstance(value, int):
        return path if not -(2**63) <= value < 2**64 else ""
    items: list[tuple[str, object]] = []
    if isinstance(value, dict):
        items = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{path}[{at}]", item) for at, item in enumerate(value)]
    return next(filter(None, (_beyond_64_bits(item, place) for place, item in items)), "")
