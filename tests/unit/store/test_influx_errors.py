"""What InfluxDB's answers mean here."""

from __future__ import annotations

import pytest

from telemetry.contract.errors import UserError
from telemetry.store.influx.address import Address
from telemetry.store.influx.errors import (
    BodyTooLarge,
    LinesRefused,
    NotThere,
    decision,
    failed_query,
    retry_after_s,
)
from telemetry.store.interface import StoreUnavailable

ADDRESS = Address.parse("influxdb://db.local/?org=lab&bucket=fleet")
BODY = b'{"code":"x","message":"what\\n the server says"}'


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, LinesRefused),
        (413, BodyTooLarge),
        (422, LinesRefused),
        (401, UserError),
        (403, UserError),
        (404, NotThere),
        (302, UserError),
        (408, StoreUnavailable),
        (429, StoreUnavailable),
        (500, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_a_status_is_a_decision(status: int, kind: type[Exception]) -> None:
    assert type(decision(ADDRESS, status, BODY, {})) is kind


@pytest.mark.parametrize("status", [401, 404])
def test_what_a_person_must_mend_names_host_org_and_bucket(status: int) -> None:
    words = str(decision(ADDRESS, status, BODY, {}))
    assert all(part in words for part in ("db.local:8086", "'lab'", "'fleet'", "what the server says"))


@pytest.mark.parametrize(
    "words",
    [
        "database not found: fleet",
        "database name required",
        "undefined function foo()",
        "invalid operation: time and *influxql.StringLiteral are not compatible",
        "mixing aggregate and non-aggregate queries is not supported",
        "selector function top() cannot be combined with other functions",
    ],
)
def test_a_wrong_query_is_not_tried_again_and_names_the_place(words: str) -> None:
    error = failed_query(ADDRESS, words)
    assert isinstance(error, UserError)
    assert all(part in str(error) for part in ("db.local:8086", "'lab'", "'fleet'", words))


@pytest.mark.parametrize("words", ["timeout", "query interrupted", "engine is closed", "shard not found"])
def test_a_query_that_the_server_gave_up_is_tried_again(words: str) -> None:
    assert isinstance(failed_query(ADDRESS, words), StoreUnavailable)


def test_what_is_no_influxdb_says_so() -> None:
    assert "no InfluxDB 2 answers" in str(decision(ADDRESS, 404, b"<html>", {}))


def test_a_busy_server_says_how_long_it_wants_to_be_left_alone() -> None:
    error = decision(ADDRESS, 429, BODY, {"Retry-After": "7"})
    assert isinstance(error, StoreUnavailable)
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("3", 3.0),
        ("soon", None),
        ("-3", None),
        ("99999999", 900.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header, 10.0) == wait_s
