"""The limits of docs/contract.md, on both sides of each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from telemetry.contract.units import MAX_PAYLOAD_BYTES
from tests.unit.contract.plain import packed, plain, received, refusal


def test_a_number_beyond_64_bits_is_refused_even_in_an_unknown_field() -> None:
    raw = plain("power") | {"later": {"deep": [1, 2**64]}}
    refused = refusal("power", msgspec.json.encode(raw))
    assert (refused.code, refused.path) == ("field", "later.deep[1]")


def test_a_key_that_is_no_text_is_refused() -> None:
    raw = msgspec.msgpack.decode(packed("power"))
    assert refusal("power", msgspec.msgpack.encode(raw | {5: 1})).code == "field"


@pytest.mark.parametrize("where", ["boot", "later"])
def test_a_text_above_256_characters_is_too_large_in_any_field(where: str) -> None:
    refused = refusal("power", msgspec.json.encode(plain("power") | {where: "x" * 257}))
    assert (refused.code, refused.path) == ("size", where)


def test_a_text_of_256_characters_is_taken() -> None:
    received("power", msgspec.json.encode(plain("power") | {"later": "ü" * 256}))


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_map_is_sixteen_levels_deep_at_most() -> None:
    received("power", msgspec.json.encode(plain("power") | {"later": _nested(15)}))
    assert refusal("power", msgspec.json.encode(plain("power") | {"later": _nested(16)})).code == "size"


@pytest.mark.parametrize("payload", [b'{"a":' * 100_000, b"\x81\xa1a" * 100_000])
def test_a_bottomless_map_is_refused(payload: bytes) -> None:
    assert refusal("power", payload).code in ("size", "decode")


def test_sixty_four_channels_are_taken_and_no_more() -> None:
    for count in (64, 65):
        raw = plain("power") | {"ch": [f"c{n}" for n in range(count)], "w": [[1.0] * count] * 3}
        raw |= {"counter_j": [1.0] * count}
        if count == 64:
            received("power", msgspec.json.encode(raw))
        else:
            refused = refusal("power", msgspec.json.encode(raw))
            assert (refused.code, refused.path) == ("size", "ch")


def test_four_mebibytes_are_taken_and_no_more() -> None:
    raw = msgspec.msgpack.decode(packed("power"))
    room = MAX_PAYLOAD_BYTES - len(msgspec.msgpack.encode(raw | {"later": bytes(70_000)})) + 70_000
    received("power", msgspec.msgpack.encode(raw | {"later": bytes(room)}))
    refused = refusal("power", msgspec.msgpack.encode(raw | {"later": bytes(room + 1)}))
    assert (refused.code, refused.path) == ("size", "payload")


def test_a_payload_of_fifty_megabytes_is_refused_unread() -> None:
    assert refusal("power", b"{" + bytes(50_000_000)).code == "size"
