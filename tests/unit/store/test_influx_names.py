"""Any name can be carried, and no two names meet in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.influx.names import field, name, original, tag, text

names = st.text(max_size=40)


@given(names)
def test_a_name_comes_back_as_it_was(each: str) -> None:
    assert original(name(each)) == each


@given(names)
def test_a_name_needs_no_escape_in_a_query_and_stays_on_one_line(each: str) -> None:
    assert not set(name(each)) & set("'\"\\\n\r\t\0")
    assert name(each)


@pytest.mark.parametrize("everyday", ["tx2", "boot-0", "power/main", "total", "Küche 2", "a,b=c"])
def test_everyday_names_stay_as_they_are(everyday: str) -> None:
    assert name(everyday) == everyday


def test_a_tag_escapes_what_ends_it_in_a_line() -> None:
    assert tag("a,b=c d") == b"a\\,b\\=c\\ d"


def test_a_channel_called_time_is_no_field_that_the_server_drops() -> None:
    assert (field("time"), field("timer")) == (b"%74ime", b"timer")


def test_a_text_escapes_quotes_and_backslashes_alone() -> None:
    assert text('say "x\\y"\n') == b'"say \\"x\\\\y\\"\n"'
