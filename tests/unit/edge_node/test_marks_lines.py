"""Lines of the marks socket: what is taken, and that a bad one never gets further."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_node import marks_lines
from edge_node.marks_lines import BadLine, Line, time_of
from telemetry.contract import marks
from telemetry.contract.decode import Received, receive
from telemetry.contract.frames import MarksFrame

BEGIN: dict[str, Any] = {
    "kind": "trial_begin",
    "t": 5,
    "trial": "t1",
    "model": "m",
    "dataset": "d",
    "batch_size": 1,
    "group": "g",
    "index": 0,
}


def _line(event: dict[str, Any], **envelope: Any) -> bytes:
    return json.dumps({"v": 1, "pid": 7, "n": 0, **envelope, **event}).encode()


def parse_line(datagram: bytes, came_ns: int = 99) -> Line:
    return marks_lines.parse_line(datagram, came_ns)


def test_a_line_without_a_time_is_of_the_moment_it_came() -> None:
    untimed = {name: value for name, value in BEGIN.items() if name != "t"}
    assert time_of(parse_line(_line(untimed), 1234).mark) == 1234
    assert time_of(parse_line(_line(BEGIN), 1234).mark) == 5


def test_a_good_line_becomes_its_event() -> None:
    line = parse_line(_line(BEGIN, n=3))
    assert (line.pid, line.n) == (7, 3)
    assert line.mark == marks.TrialBegin(
        t=5, trial="t1", model="m", dataset="d", batch_size=1, group="g", index=0
    )


def test_columns_are_packed() -> None:
    event = {"kind": "batches", "t": 9, "trial": "t1", "begin": [1, 2], "end": [2, 3], "images": [4, 4]}
    mark = parse_line(_line({**event, "hits": [1, 0, 0, 0, 1, 1, 0, 0]})).mark
    assert isinstance(mark, marks.Batches)
    assert (mark.begin, mark.hits) == (b"\x01" + bytes(7) + b"\x02" + bytes(7), b"\x31")


def test_an_end_of_a_trial_needs_no_power_and_may_not_bring_its_own() -> None:
    end = {"kind": "trial_end", "t": 9, "trial": "t1", "status": "ok", "images": 4}
    for power in ({}, {"power": {"power/main": 3}}, {"power": "nonsense"}):
        mark = parse_line(_line({**end, **power})).mark
        assert isinstance(mark, marks.TrialEnd)
        assert mark.power == {}


def test_a_kind_that_is_not_known_is_kept_as_it_is() -> None:
    mark = parse_line(_line({"kind": "weather", "t": 9, "rain": [1.5]})).mark
    assert mark == {"kind": "weather", "t": 9, "rain": [1.5]}
    assert isinstance(mark, dict)
    assert (mark["kind"], time_of(mark)) == ("weather", 9)


@pytest.mark.parametrize(
    ("datagram", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\x00", "no JSON"),
        (b"[1]", "a map is expected"),
        (b"[" * 100_000, "no JSON"),
        (_line(BEGIN, v=2), "v: 1"),
        (_line(BEGIN, pid="7"), "pid"),
        (_line(BEGIN, n=-1), "n: a whole number"),
        (_line(BEGIN, n=True), "n: a whole number"),
        (_line({"t": 5}), "kind"),
        (_line({**BEGIN, "t": 1.5}), "t"),
        (_line({**BEGIN, "t": 2**63}), "64 bits"),
        (_line({**BEGIN, "t": 2**62}), "anchor"),
        (_line({**BEGIN, "batch_size": -1}), "batch_size"),
        (_line({**BEGIN, "model": "m" * 257}), "model"),
        (_line({**BEGIN, "protocol": {"images": 2**70}}), "64 bits"),
        (_line({"kind": "weather", "t": 1, "rain": 2**70}), "64 bits"),
        (_line({"kind": "idle_begin", "t": 1}), "group"),
        (
            _line({"kind": "work", "t": 1, "app": "a", "model": "m", "begin": [1], "end": [], "images": [1]}),
            "end",
        ),
    ],
)
def test_a_bad_line_is_refused_with_a_reason(datagram: bytes, words: str) -> None:
    with pytest.raises(BadLine, match=words):
        parse_line(datagram)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from([*marks.EVENT_TYPES, "weather"]),
    spoiled=st.dictionaries(st.sampled_from([*BEGIN, "begin", "images", "hits", "power", "x"]), json_values),
)
def test_whatever_passes_can_travel_in_a_frame(kind: str, spoiled: dict[str, Any]) -> None:
    try:
        mark = parse_line(_line({**BEGIN, "kind": kind, **spoiled}))
    except BadLine:
        return
    frame = MarksFrame(v=1, boot="b", seq=0, anchor=1_800_000_000 * 10**9, t0=0, events=(mark.mark,))  # type: ignore[arg-type]
    assert isinstance(receive("e3p/v1/n/marks/app", msgspec.msgpack.encode(frame)), Received)
