from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contract.columns import unpack, unpack_dt
from telemetry.contract.decode import decode_message, reread
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.encode import ENCODINGS, Encoding, encode
from telemetry.contract.frames import PowerFrame
from telemetry.contract.ranking import Ranking, RankingGroup
from telemetry.contract.topics import FRAME_KINDS, FrameTopic
from tests.unit.contract.messages import FRAMES, REPLIES
from tests.unit.contract.plain import plain, received


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", FRAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_frame_comes_back_as_it_was(kind: str, encoding: Encoding, data: st.DataObject) -> None:
    frame = data.draw(FRAMES[kind])
    assert received(kind, encode(frame, encoding)).frame == frame


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", REPLIES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_other_message_comes_back_as_it_was(kind: str, encoding: Encoding, data: st.DataObject) -> None:
    message = data.draw(REPLIES[kind])
    assert decode_message(encode(message, encoding), type(message)) == message


@pytest.mark.parametrize("kind", FRAMES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_frame_rests_as_the_same_bytes_whichever_encoding_it_came_in(
    kind: str, data: st.DataObject
) -> None:
    frame = data.draw(FRAMES[kind])
    packed, text = received(kind, encode(frame, "msgpack")), received(kind, encode(frame, "json"))
    assert packed.digest == text.digest
    assert reread(text.topic, text.body) == reread(packed.topic, packed.body) == frame


@pytest.mark.parametrize("kind", FRAMES)
def test_what_a_client_writes_by_hand_is_taken(kind: str) -> None:
    got = received(kind, msgspec.json.encode(plain(kind)))
    assert got.frame.seq == 3
    assert (got.key.node, got.key.boot, got.key.stream) == ("node", "b1", f"{kind}/main")


def test_no_reading_stays_no_reading_and_negative_watts_stay_negative() -> None:
    frame = received("power", msgspec.json.encode(plain("power"))).frame
    assert isinstance(frame, PowerFrame)
    watts = list(unpack("f", frame.w))
    assert watts[:3] == [10.0, 4.0, 10.5]
    assert math.isnan(watts[3])
    assert watts[4] == -0.25


def test_an_infinite_reading_is_no_reading_in_json() -> None:
    frame = PowerFrame(**fields_of("power"))
    frame = msgspec.structs.replace(frame, w=b"\x00\x00\x80\x7f" * 6)
    raw = msgspec.json.decode(encode(frame, "json"))
    assert raw["w"] == [[None, None]] * 3


def fields_of(kind: str) -> dict[str, Any]:
    frame = received(kind, msgspec.json.encode(plain(kind))).frame
    return {field: getattr(frame, field) for field in frame.__struct_fields__}


def test_a_frame_longer_than_two_seconds_takes_wide_offsets() -> None:
    raw = plain("power") | {"dt": [0, 1, 3_000_000_000]}
    frame = received("power", msgspec.json.encode(raw)).frame
    assert isinstance(frame, PowerFrame)
    assert len(frame.dt) == 24
    assert unpack_dt(frame.dt, 3).tolist() == [0, 1, 3_000_000_000]
    assert frame.last == frame.t0 + 3_000_000_000


def test_times_may_be_decimal_strings_in_json() -> None:
    for kind in FRAME_KINDS:
        texts = msgspec.json.encode(_with_decimal_times(plain(kind)))
        assert received(kind, texts).frame == received(kind, msgspec.json.encode(plain(kind))).frame


TIMES = {"anchor", "t0", "tick", "t", "t1", "t2", "t3", "t4", "begin", "end"}


def _with_decimal_times(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_decimal_times(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_decimal_times(item, name) for item in value]
    return str(value) if name in TIMES and isinstance(value, int) else value


def test_unknown_fields_are_ignored_and_rest_with_the_body() -> None:
    for kind in FRAME_KINDS:
        extra = {"later": {"w": [1, 2], "dt": "x"}, "hits": [5], "ranges": None}
        if kind != "power":
            extra |= {"w": [1], "dt": ["x"], "t": ["y"], "counter_j": [True]}
        got = received(kind, msgspec.json.encode(plain(kind) | extra))
        assert got.frame == received(kind, msgspec.json.encode(plain(kind))).frame
        assert msgspec.msgpack.decode(got.body)["later"] == extra["later"]


def test_an_event_of_a_later_version_is_passed_over_and_kept() -> None:
    raw = plain("marks")
    raw["events"].insert(1, {"kind": "later", "t": 5, "w": [1]})
    got = received("marks", msgspec.json.encode(raw))
    assert [type(event).__name__ for event in got.frame.events][:2] == ["Prepare", "TrialBegin"]
    assert msgspec.msgpack.decode(got.body)["events"][1]["kind"] == "later"


def test_another_body_has_another_digest() -> None:
    raw = plain("power")
    one = received("power", msgspec.json.encode(raw)).digest
    assert one != received("power", msgspec.json.encode(raw | {"missed": 1})).digest


def test_the_order_of_the_fields_makes_no_other_body() -> None:
    raw = plain("power")
    backwards = dict(reversed(raw.items()))
    one, other = (received("power", msgspec.json.encode(r)).digest for r in (raw, backwards))
    assert one == other


GROUP = RankingGroup(device="d", power_mode=None, dataset="d", origin="measured", sensor="s")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "document",
    [
        Result(node="n", window="w", kind="trial", stream="main", begin=0, end=1, state="valid"),
        EventRefused(node="n", boot="b", stream="marks/main", seq=0, event="trial_end", reason="no begin"),
        Ranking(group=GROUP, a=5.0, b=5.0, unit="J", rows=(), p_better=()),
    ],
)
def test_a_document_says_its_version_and_comes_back(document: msgspec.Struct, encoding: Encoding) -> None:
    payload = encode(document, encoding)
    decode = msgspec.json.decode if encoding == "json" else msgspec.msgpack.decode
    assert decode(payload)["v"] == 1
    assert decode_message(payload, type(document)) == document


def test_a_refused_event_says_what_kind_of_document_it_is() -> None:
    refused = EventRefused(node="n", boot="b", stream="marks/main", seq=0, event="trial_end", reason="x")
    assert msgspec.json.decode(encode(refused, "json"))["kind"] == "event_refused"


def test_a_frames_topic_gives_its_stream_key() -> None:
    assert FrameTopic("n", "power", "main").name == "power/main"
