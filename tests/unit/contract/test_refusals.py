"""Every refusal of docs/contract.md with its code and the path of what is wrong."""

from __future__ import annotations

import copy
import math
from typing import Any

import msgspec
import pytest

from telemetry.contract.decode import Unreadable, decode_message, receive
from telemetry.contract.errors import Refused
from telemetry.contract.frames import StreamKey
from telemetry.contract.replies import Ping, State, Stored
from tests.unit.contract.messages import FRAMES
from tests.unit.contract.plain import DELETE, UPTIME_NS, changed, packed, plain, refusal


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
    ("manifest", "streams.0.period_ms", 1e300, "streams[0].period_ms"),
    ("manifest", "streams.0.delay_ms", -1e12, "streams[0].delay_ms"),
    ("marks", "events.3.power", {"Main!": 1}, "events[3].power"),
    ("health", "streams.0.stream", "power/Main!", "streams[0].stream"),
    ("health", "streams.0.stream", "main", "streams[0].stream"),
    ("health", "streams.0.stream", "state/main", "streams[0].stream"),
]


@pytest.mark.parametrize(("kind", "path", "value", "named"), WRONG)
def test_a_wrong_field_is_named_by_its_path(kind: str, path: str, value: Any, named: str) -> None:
    refused = refusal(kind, msgspec.json.encode(changed(kind, path, value)))
    assert (refused.code, refused.path) == ("field", named)
    assert str(refused) == f"field {named}: {refused.words}"


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", ["period_ms", "averaging_window_ms", "delay_ms", "noise_w", "max_w"])
def test_what_is_said_of_a_sensor_is_finite(name: str, value: float) -> None:
    raw = msgspec.msgpack.decode(packed("manifest"))
    raw["streams"][0][name] = value
    assert refusal("manifest", msgspec.msgpack.encode(raw)).path == f"streams[0].{name}"


@pytest.mark.parametrize(
    ("name", "column", "named"),
    [("w", bytes(25), "w"), ("dt", bytes(13), "dt"), ("counter_j", bytes(8), "counter_j"), ("w", b"", "dt")],
)
def test_columns_whose_lengths_disagree_are_refused(name: str, column: bytes, named: str) -> None:
    raw = msgspec.msgpack.decode(packed("power"))
    refused = refusal("power", msgspec.msgpack.encode(raw | {name: column}))
    assert (refused.code, refused.path) == ("field", named)


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("protocol", {"warmup_s": math.nan}, "protocol.warmup_s"),
        ("context", {"temp_c": {"cpu": math.inf}}, "context.temp_c.cpu"),
    ],
)
def test_what_results_repeat_of_a_trial_is_finite(field: str, value: dict[str, Any], path: str) -> None:
    raw = msgspec.msgpack.decode(packed("marks"))
    raw["events"][1][field] = value
    assert refusal("marks", msgspec.msgpack.encode(raw)).path == f"events[1].{path}"


def test_an_idle_mark_without_trial_and_group_is_refused() -> None:
    raw = plain("marks") | {"events": [{"kind": "idle_begin", "t": UPTIME_NS}]}
    assert refusal("marks", msgspec.json.encode(raw)).path == "events[0].group"


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
