"""Whatever bytes come: a frame, or `Unreadable`, and never another error."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contract.decode import Received
from telemetry.contract.encode import encode
from tests.unit.contract.messages import FRAMES
from tests.unit.contract.plain import plain, taken_or_refused


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(FRAMES)), st.binary(max_size=200))
def test_random_bytes_are_unreadable_and_nothing_else(kind: str, payload: bytes) -> None:
    became = taken_or_refused(kind, payload)
    assert isinstance(became, Received) or str(became).startswith(became.code)


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
    became = taken_or_refused(kind, msgspec.json.encode(raw))
    assert isinstance(became, Received) or became.path


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
