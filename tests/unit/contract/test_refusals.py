"""Every refusal of docs/contract.md with its code and the path of what is wrong."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contract.decode import Unreadable, decode_message, receive
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import StreamKey
from telemetry.contract.replies import Ping, State, Stored
from telemetry.contract.units import MAX_PAYLOAD_BYTES
from tests.unit.contract.messages import FRAMES, UPTIME_NS, plain

DELETE = object()


def refusal(kind: str, payload: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        receive(f"e3p/v1/node/{kind}/main", payload)
    return caught.value


def taken_or_refused(kind: str, payload: bytes) -> Unreadable | None:
    try:
        receive(f"e3p/v1/node/{kind}/main", payload)
    except Unreadable as refused:
        return refused
    return None


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The plain frame with one place changed: ``events.0.trial``."""
    raw = plain(kind)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder: Any = raw
    for part in parents:
        holder = holder[part]
    if value is DELETE:
        del holder[last]
    else:
        holder[last] = value
    return raw


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(FRAMES)), st.binary(max_size=200))
def test_random_bytes_are_unreadable_and_nothing_else(kind: str, payload: bytes) -> None:
    refused = taken_or_refused(kind, payload)
    assert refused is None or str(refused).startswith(refused.code)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", FRAMES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_is_taken_or_unreadable(kind: str, data: st.DataObject) -> None:
    raw = plain(kind)
    name = data.draw(st.sampled_from([*raw, "later"]))
    raw[name] = data.draw(json_values)
    refused = taken_or_refused(kind, msgspec.json.encode(raw))
    assert refused is None or refused.path


@pytest.mark.parametrize("kind", FRAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_frame_cut_or_changed_anywhere_is_taken_or_unreadable(kind: str, data: st.DataObject) -> None:
    payload = bytearray(encode(data.draw(FRAMES[kind])))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    for damaged in (bytes(payload), bytes(payload[:cut])):
        taken_or_refused(kind, damaged)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"{", b"[1]", b"\x93\x01\x02\x03", b"5", b"{]", b"\x81"])
def test_what_is_no_map_cannot_be_decoded(payload: bytes) -> None:
    assert refusal("power", payload).code == "decode"


def test_another_version_is_refused_before_anything_else_is_judged() -> None:
    raw = plain("power") | {"v": 2, "w": "something new", "boot": "x" * 300}
    refused = refusal("power", msgspec.json.encode(raw))
    assert (refused.code, refused.path) == ("version", "v")


@pytest.mark.parametrize("version", [0, 2, 1.0, True, "1", None])
def test_only_the_number_one_is_the_version(version: Any) -> None:
    assert refusal("power", msgspec.json.encode(plain("power") | {"v": version})).code == "version"


def test_a_missing_version_is_a_missing_field() -> None:
    refused = refusal("power", msgspec.json.encode(changed("power", "v", DELETE)))
    assert (refused.code, refused.path) == ("field", "v")


REQUIRED = [
    *[(kind, name) for kind in FRAMES for name in ("boot", "seq", "anchor", "t0")],
    *[("power", name) for name in ("dt", "tick", "ch", "w", "first", "missed")],
    ("marks", "events"),
    *[("marks", f"events.1.{name}") for name in ("kind", "t", "trial", "model", "dataset", "batch_size")],
    *[("marks", f"events.1.{name}") for name in ("group", "index")],
    *[("marks", f"events.2.{name}") for name in ("trial", "begin", "end", "images")],
    *[("marks", f"events.3.{name}") for name in ("trial", "status", "images", "power")],
    ("marks", "events.0.group"),
    ("clock", "peer"),
    ("clock", "exchanges"),
    *[("clock", f"exchanges.0.{name}") for name in ("t1", "t2", "t3", "t4")],
    ("health", "streams"),
    *[("health", f"streams.0.{name}") for name in ("boot", "stream", "next_seq", "spooled", "final")],
    *[("health", f"streams.0.{name}") for name in ("declared_lost", "ticks")],
    *[("manifest", name) for name in ("os_boot", "device", "software", "hash", "streams", "device.kind")],
    *[("manifest", f"streams.0.{name}") for name in ("stream", "sensor", "channels", "total", "origin")],
    ("manifest", "streams.0.period_ms"),
]


@pytest.mark.parametrize(("kind", "path"), REQUIRED)
def test_a_missing_field_is_named_by_its_path(kind: str, path: str) -> None:
    refused = refusal(kind, msgspec.json.encode(changed(kind, path, DELETE)))
    assert (refused.code, refused.path) == ("field", _spelled(path))
    assert "missing" in refused.words


def _spelled(path: str) -> str:
    """``events.0.t`` as the reasons spell it: ``events[0].t``."""
    head, *rest = path.split(".")
    return head + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)


WRONG = [
    ("power", "boot", "", "boot"),
    ("power", "boot", 5, "boot"),
    ("power", "seq", -1, "seq"),
    ("power", "seq", 2**53, "seq"),
    ("power", "seq", 1.5, "seq"),
    ("power", "anchor", 2**63, "anchor"),
    ("power", "anchor", "soon", "anchor"),
    ("power", "t0", 2**63 - 1, "t0"),
    ("power", "tick", 0, "tick"),
    ("power", "first", -1, "first"),
    ("power", "missed", -1, "missed"),
    ("power", "ch", [], "ch"),
    ("power", "ch", ["a", "a"], "ch"),
    ("power", "ch", ["a"], "w[0]"),
    ("power", "w", [[1.0, 2.0], [1.0]], "w[1]"),
    ("power", "w", [[1.0, "2"]] * 3, "w"),
    ("power", "w", [[1.0, True]] * 3, "w"),
    ("power", "w", "text", "w"),
    ("power", "w", [[1.0, 2.0]], "dt"),
    ("power", "dt", [0, 1], "dt"),
    ("power", "dt", [1, 2, 3], "dt[0]"),
    ("power", "dt", [0, 2, 1], "dt[2]"),
    ("power", "dt", [0, 0, 1], "dt[1]"),
    ("power", "dt", [0, -1, 1], "dt[1]"),
    ("power", "dt", [0, 1, "2"], "dt[2]"),
    ("power", "dt", [0, 1, 2.5], "dt[2]"),
    ("power", "dt", [0, 1, 2**63], "dt"),
    ("power", "dt", [0, 1, 2**63 - 10**18], "dt"),
    ("power", "counter_j", [1.0], "counter_j"),
    ("power", "counter_j", ["x", "y"], "counter_j"),
    ("marks", "events", {}, "events"),
    ("marks", "events", [5], "events[0].kind"),
    ("marks", "events.0.t", "later", "events[0].t"),
    ("marks", "events.0.t", 2**63 - 10**18, "events[0].t"),
    ("marks", "events.0.group", "", "events[0].group"),
    ("marks", "events.2.begin", [UPTIME_NS], "events[2].begin"),
    ("marks", "events.2.end", [1, 2**63], "events[2].end"),
    ("marks", "events.2.correct", [1], "events[2].correct"),
    ("marks", "events.2.images", [2, -1], "events[2].hits"),
    ("marks", "events.2.images", [2, 1.5], "events[2].images[1]"),
    ("marks", "events.2.hits", [1, 0], "events[2].hits"),
    ("marks", "events.2.hits", [1, 0, 2], "events[2].hits"),
    ("marks", "events.3.status", "fine", "events[3].status"),
    ("marks", "events.3.power", {"main": -1}, "events[3].power[...]"),
    ("clock", "exchanges.0.t4", 2**63 - 10**18, "exchanges[0].t4"),
    ("health", "streams.0.spooled", [[8, 7]], "streams[0].spooled[0]"),
    ("health", "streams.0.spooled", [[7]], "streams[0].spooled[0]"),
    ("health", "streams.0.declared_lost", [[3, 2, 1]], "streams[0].declared_lost[0]"),
    ("health", "streams.0.final", "no", "streams[0].final"),
    ("health", "temp_c", {"cpu": "hot"}, "temp_c[...]"),
    ("manifest", "streams.0.stream", "Main", "streams[0].stream"),
    ("manifest", "streams.0.total", "other", "streams[0].total"),
    ("manifest", "streams.0.channels", [], "streams[0].channels"),
    ("manifest", "streams.0.origin", "guessed", "streams[0].origin"),
    ("manifest", "streams.0.period_ms", 0, "streams[0].period_ms"),
]


@pytest.mark.parametrize(("kind", "path", "value", "named"), WRONG)
def test_a_wrong_field_is_named_by_its_path(kind: str, path: str, value: Any, named: str) -> None:
    refused = refusal(kind, msgspec.json.encode(changed(kind, path, value)))
    assert (refused.code, refused.path) == ("field", named)
    assert str(refused) == f"field {named}: {refused.words}"


@pytest.mark.parametrize(
    ("name", "column", "named"),
    [("w", bytes(25), "w"), ("dt", bytes(13), "dt"), ("counter_j", bytes(8), "counter_j"), ("w", b"", "dt")],
)
def test_columns_whose_lengths_disagree_are_refused(name: str, column: bytes, named: str) -> None:
    raw = msgspec.msgpack.decode(_as_msgpack("power"))
    refused = refusal("power", msgspec.msgpack.encode(raw | {name: column}))
    assert (refused.code, refused.path) == ("field", named)


def _as_msgpack(kind: str) -> bytes:
    received = receive(f"e3p/v1/node/{kind}/main", msgspec.json.encode(plain(kind)))
    assert not isinstance(received, tuple)
    return received.body


def test_an_idle_mark_without_trial_and_group_is_refused() -> None:
    raw = plain("marks") | {"events": [{"kind": "idle_begin", "t": UPTIME_NS}]}
    assert refusal("marks", msgspec.json.encode(raw)).path == "events[0].group"


def test_a_number_beyond_64_bits_is_refused_even_in_an_unknown_field() -> None:
    raw = plain("power") | {"later": {"deep": [1, 2**64]}}
    refused = refusal("power", msgspec.json.encode(raw))
    assert (refused.code, refused.path) == ("field", "later.deep[1]")


def test_a_key_that_is_no_text_is_refused() -> None:
    raw = msgspec.msgpack.decode(_as_msgpack("power"))
    assert refusal("power", msgspec.msgpack.encode(raw | {5: 1})).code == "field"


@pytest.mark.parametrize("where", ["boot", "later"])
def test_a_text_above_256_characters_is_too_large_in_any_field(where: str) -> None:
    refused = refusal("power", msgspec.json.encode(plain("power") | {where: "x" * 257}))
    assert (refused.code, refused.path) == ("size", where)


def test_a_text_of_256_characters_is_taken() -> None:
    receive("e3p/v1/node/power/main", msgspec.json.encode(plain("power") | {"later": "ü" * 256}))


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_map_is_sixteen_levels_deep_at_most() -> None:
    receive("e3p/v1/node/power/main", msgspec.json.encode(plain("power") | {"later": _nested(15)}))
    assert refusal("power", msgspec.json.encode(plain("power") | {"later": _nested(16)})).code == "size"


@pytest.mark.parametrize("payload", [b'{"a":' * 100_000, b"\x81\xa1a" * 100_000])
def test_a_bottomless_map_is_refused(payload: bytes) -> None:
    assert refusal("power", payload).code in ("size", "decode")


def test_sixty_four_channels_are_taken_and_no_more() -> None:
    for count in (64, 65):
        raw = plain("power") | {"ch": [f"c{n}" for n in range(count)], "w": [[1.0] * count] * 3}
        raw |= {"counter_j": [1.0] * count}
        if count == 64:
            receive("e3p/v1/node/power/main", msgspec.json.encode(raw))
        else:
            refused = refusal("power", msgspec.json.encode(raw))
            assert (refused.code, refused.path) == ("size", "ch")


def test_four_mebibytes_are_taken_and_no_more() -> None:
    raw = msgspec.msgpack.decode(_as_msgpack("power"))
    room = MAX_PAYLOAD_BYTES - len(msgspec.msgpack.encode(raw | {"later": bytes(70_000)})) + 70_000
    receive("e3p/v1/node/power/main", msgspec.msgpack.encode(raw | {"later": bytes(room)}))
    refused = refusal("power", msgspec.msgpack.encode(raw | {"later": bytes(room + 1)}))
    assert (refused.code, refused.path) == ("size", "payload")


def test_a_payload_of_fifty_megabytes_is_refused_unread() -> None:
    assert refusal("power", b"{" + bytes(50_000_000)).code == "size"


def test_a_refused_frame_with_a_readable_envelope_says_where_it_belongs() -> None:
    refused = refusal("power", msgspec.json.encode(changed("power", "w", DELETE)))
    assert (refused.key, refused.seq) == (StreamKey("node", "b1", "power/main"), 3)


@pytest.mark.parametrize(
    "field", [{"seq": -1}, {"seq": "3"}, {"seq": True}, {"boot": ""}, {"boot": "x" * 300}]
)
def test_a_refused_frame_without_a_readable_envelope_belongs_nowhere(field: dict[str, Any]) -> None:
    refused = refusal("power", msgspec.json.encode(changed("power", "w", DELETE) | field))
    assert (refused.key, refused.seq) == (None, None)


def test_a_frame_on_an_unlawful_topic_belongs_nowhere() -> None:
    with pytest.raises(Unreadable) as caught:
        receive("e3p/v1/fleet/power/main", msgspec.json.encode(plain("power")))
    assert (caught.value.code, caught.value.key) == ("topic", None)


def test_the_frame_of_another_kind_is_refused() -> None:
    assert refusal("health", msgspec.json.encode(plain("power"))).path == "streams"


def test_the_plain_frames_are_not_changed_by_reading_them() -> None:
    before = copy.deepcopy(plain("marks"))
    receive("e3p/v1/node/marks/main", msgspec.json.encode(before))
    assert before == plain("marks")


@pytest.mark.parametrize(
    ("kind", "raw", "path"),
    [
        (State, {"v": 1, "state": "asleep", "boot": "b", "since": 0, "software": "s"}, "state"),
        (State, {"v": 1, "state": "ready", "boot": "b", "since": 2**63, "software": "s"}, "since"),
        (Ping, {"v": 1, "id": 2**70, "t1": 0}, "id"),
        (Stored, {"v": 1, "streams": [{"boot": "b", "stream": "s", "through": -2}]}, "streams[0].through"),
        (Stored, {"streams": []}, "v"),
    ],
)
def test_other_messages_are_refused_in_the_same_way(kind: type, raw: dict[str, Any], path: str) -> None:
    with pytest.raises(Refused) as caught:
        decode_message(msgspec.json.encode(raw), kind)
    assert (caught.value.code, caught.value.path) == ("field", path)
