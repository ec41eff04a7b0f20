from __future__ import annotations

from typing import Any

import msgspec
import pytest

from telemetry.contract.columns import pack, unpack
from telemetry.contract.decode import Meter, Unreadable, receive

NOON_NS = 1_790_000_000_000_000_000
METER: dict[str, Any] = {"v": 1, "t": [NOON_NS, NOON_NS + 10**9], "ch": ["total"], "w": [[10.5], [None]]}


def meter(payload: bytes, kind: str = "power") -> Meter:
    received = receive(f"e3p/v1/wall/{kind}/main", payload)
    assert isinstance(received, tuple)
    topic, message = received
    assert str(topic) == f"e3p/v1/wall/{kind}/main"
    return message


def test_a_meter_needs_no_envelope() -> None:
    message = meter(msgspec.json.encode(METER))
    assert unpack("q", message.t).tolist() == METER["t"]
    assert unpack("f", message.w)[0] == 10.5
    assert message.ch == ("total",)


def test_a_meter_may_send_packed_columns() -> None:
    packed = {**METER, "t": pack("q", METER["t"]), "w": pack("f", [10.5, float("nan")])}
    assert meter(msgspec.msgpack.encode(packed)) == meter(msgspec.json.encode(METER))


def test_a_meters_times_may_be_decimal_strings() -> None:
    texts = msgspec.json.encode({**METER, "t": [str(time) for time in METER["t"]]})
    assert meter(texts) == meter(msgspec.json.encode(METER))


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"t": []}, "field", "w"),
        ({"t": [NOON_NS]}, "field", "w"),
        ({"t": ["noon", "later"]}, "field", "t"),
        ({"t": 5}, "field", "t"),
        ({"w": [[1.0, 2.0], [1.0, 2.0]]}, "field", "w[0]"),
        ({"ch": []}, "field", "ch"),
        ({"ch": ["a", "a"], "w": [[1, 2], [1, 2]]}, "field", "ch"),
        ({"ch": [f"c{n}" for n in range(65)], "w": [[1] * 65] * 2}, "size", "ch"),
        ({"v": 2}, "version", "v"),
    ],
)
def test_a_meters_mistake_is_named(change: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(Unreadable) as caught:
        meter(msgspec.json.encode({**METER, **change}))
    assert (caught.value.code, caught.value.path) == (code, path)


def test_only_power_may_come_without_an_envelope() -> None:
    with pytest.raises(Unreadable) as caught:
        meter(msgspec.json.encode(METER), kind="health")
    assert "missing" in caught.value.words
