"""Times as people type them: ISO 8601, Unix seconds or nanoseconds, and the format of meter logs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import INT64_MAX, INT64_MIN, NS_PER_S

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_LOG = re.compile(r"(\d\d)-(\d\d)-(\d{4}) (\d\d:\d\d:\d\d)(\.\d+)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOSECONDS_FROM = 10**14
"""A bare number from here on is nanoseconds: as seconds it would be in the year 3 million."""


def parse_time(text: str, zone: tzinfo = timezone.utc) -> int:
    """Nanoseconds since 1970 of a time as it was typed. `zone` is for times that name none."""
    time_ns = _parsed(text.strip(), zone)
    if not INT64_MIN <= time_ns <= INT64_MAX:
        raise UserError(
            f"{text.strip()!r} lies beyond the years 1678 to 2261; numbers are Unix seconds or nanoseconds"
        )
    return time_ns


def parse_zone(name: str) -> tzinfo:
    """The time zone of that name, such as `UTC` or `America/Los_Angeles`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"{name!r} is no known time zone: use a name such as UTC or Europe/Berlin") from None


def show_time(time_ns: int) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    whole, rest = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(whole, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def _parsed(text: str, zone: tzinfo) -> int:
    if _NUMBER.fullmatch(text):
        number = Decimal(text)
        return int(number) if number >= _NANOSECONDS_FROM else int(number * NS_PER_S)
    if log := _LOG.fullmatch(text):
        month, day, year, clock, fraction = log.groups()
        return _at(f"{year}-{month}-{day}T{clock}", (fraction or ".0")[1:], zone, text)
    if iso := _ISO.fullmatch(text):
        day, clock, fraction, offset = iso.groups()
        clock = clock or "00:00"
        whole = f"{day}T{clock}{':00' if len(clock) == 5 else ''}"
        return _at(whole + (_offset(offset) if offset else ""), fraction or "0", zone, text)
    raise UserError(
        f"{text!r} is no time: use ISO 8601 (2022-02-17T12:46:22.556Z), Unix seconds or nanoseconds, "
        "or a meter log's own MM-DD-YYYY HH:MM:SS.mmm"
    )


def _at(text: str, fraction: str, zone: tzinfo, typed: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"{typed!r} is no time: {error}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // timedelta(seconds=1) * NS_PER_S + int(fraction.ljust(9, "0")[:9])


def _offset(offset: str) -> str:
    if offset == "Z":
        return "+00:00"
    return offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
