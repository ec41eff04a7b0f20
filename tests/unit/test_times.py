"""Times as people type them."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e3p.times import parse_time, parse_zone, show_time
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import INT64_MAX

MOMENT = 1_645_101_982_556_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2022-02-17T12:46:22.556Z",
        "2022-02-17T12:46:22,556Z",
        "2022-02-17 12:46:22.556",
        "2022-02-17T13:46:22.556+01:00",
        "2022-02-17T13:46:22.556+0100",
        "2022-02-17T04:46:22.556-08:00",
        "02-17-2022 12:46:22.556",
        "1645101982.556",
        "1645101982556000000",
        "  1645101982.556 ",
    ],
)
def test_one_moment_in_every_lawful_way(text: str) -> None:
    assert parse_time(text) == MOMENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-02-17", "2022-02-17T00:00:00.000Z"),
        ("2022-02-17T12:46", "2022-02-17T12:46:00.000Z"),
        ("02-17-2022 12:46:22", "2022-02-17T12:46:22.000Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59.250Z", "1969-12-31T23:59:59.250Z"),
    ],
)
def test_what_is_not_typed_is_nought(text: str, expected: str) -> None:
    assert show_time(parse_time(text)) == expected


def test_nanoseconds_are_kept_to_the_last_digit() -> None:
    assert parse_time("1645101982556000001") == MOMENT + 1
    assert parse_time("2022-02-17T12:46:22.556000001Z") == MOMENT + 1
    assert parse_time("1645101982.556000001") == MOMENT + 1


def test_a_zone_is_for_times_that_name_none() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    assert parse_time("02-17-2022 04:46:22.556", zone) == MOMENT
    assert parse_time("2022-02-17 04:46:22.556", zone) == MOMENT
    assert parse_time("2022-02-17T12:46:22.556Z", zone) == MOMENT
    assert parse_time("1645101982.556", zone) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "-5",
        "1e9",
        "0x10",
        "12:46",
        "17-02-2022 12:46:22",
        "2022-02-30",
        "2022-13-01T00:00:00Z",
        "2022-02-17T25:00:00Z",
        "2022-02-17T12:46:60Z",
        "2022-02-17T12:46:22+99:00",
        "2022-02-17T12:46:22.1234567890Z",
        "٢٠٢٢-02-17",
        "2022-02-17\n2022-02-18",
    ],
)
def test_what_is_no_time_is_refused_in_its_own_words(text: str) -> None:
    with pytest.raises(UserError, match="is no time"):
        parse_time(text)


@pytest.mark.parametrize(
    "text", ["1645101982556", "9999-12-31", "0001-01-01", "99999999999999999999", "1600-01-01"]
)
def test_what_64_bits_of_nanoseconds_do_not_hold_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="beyond the years 1678 to 2261"):
        parse_time(text)


def test_the_first_moment_of_a_year_far_off_in_any_zone_is_refused_and_not_an_error() -> None:
    with pytest.raises(UserError):
        parse_time("0001-01-01", ZoneInfo("Asia/Tokyo"))
    with pytest.raises(UserError):
        parse_time("9999-12-31T23:59:59-23:00")


@given(st.integers(0, INT64_MAX))
def test_what_is_shown_is_the_time_to_the_millisecond(time_ns: int) -> None:
    assert parse_time(show_time(time_ns)) == time_ns // 1_000_000 * 1_000_000


@given(st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)))  # noqa: DTZ001 - a moment of no zone yet
def test_iso_is_what_python_says_of_it(moment: datetime) -> None:
    utc = moment.replace(tzinfo=timezone.utc)
    since = utc - datetime(1970, 1, 1, tzinfo=timezone.utc)
    expected_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert parse_time(utc.isoformat()) == parse_time(moment.isoformat()) == expected_us * 1000


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_a_zone_goes_by_its_name(name: str) -> None:
    assert str(parse_zone(name)) == name


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "Europe", "../etc/passwd", "/etc/passwd", "a\0b", "x" * 5000]
)
def test_an_unknown_zone_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(UserError, match="Europe/Berlin"):
        parse_zone(name)
