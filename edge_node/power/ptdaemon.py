"""Logs of SPEC PTDaemon, as MLPerf Power keeps them: `Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,W,Volts,V,…`."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_node.power.recording import Recording, RecordingBuilder
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import INT64_MAX

LINE = "Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,W,Volts,V,..."
STAMP = "%m-%d-%Y %H:%M:%S.%f"
CHANNELS = ("total",)

# What the meter writes when it has no reading: -2 W together with -2 V. A real -2 W would come with volts.
_ERROR_VALUE = -2.0
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read(path: str | Path, tz: str = "UTC") -> Recording:
    """The readings of a log whose stamps are wall clock in `tz`.

    A last line cut short is left out and counted. Raises `UserError` with file and line for all else that
    is no such log.
    """
    path = Path(path)
    lines = text_lines(path, LINE)
    zone = zone_of(tz)
    gathered = RecordingBuilder()
    fields = len(lines[0].split(","))
    truncated = 0
    for number, line in enumerate(lines, 1):
        columns = line.split(",")
        if number == len(lines) and number > 1 and len(columns) < fields:
            truncated = 1
            break
        t_ns, watts = _reading(columns, zone, f"{path}:{number}")
        if gathered.falls(t_ns):
            raise UserError(f"{path}:{number}: time {columns[1]} lies before the line above; times must rise")
        gathered.errors += math.isnan(watts)
        gathered.add(t_ns, (watts,))
    return gathered.recording("ptdaemon", CHANNELS, truncated)


def parse_stamp(text: str, tz: str = "UTC") -> int:
    """UTC ns of a stamp in the log's own format. Raises ``ValueError`` when it is none."""
    return _utc_ns(text, zone_of(tz))


def text_lines(path: Path, expected: str) -> list[str]:
    """The lines of a text file that is there, is text and is not empty, else `UserError`."""
    if path.is_char_device() or path.is_fifo():
        raise UserError(f"{path}: a device or a pipe, which may never end; a file is expected")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not text (byte {error.start}); lines like {expected} are expected"
        ) from None
    if "\0" in text:
        raise UserError(f"{path}: binary, not text; lines like {expected} are expected")
    if not text.strip():
        raise UserError(f"{path}: empty; lines like {expected} are expected")
    return text.rstrip().splitlines()


def zone_of(name: str) -> tzinfo:
    """The time zone of that name (IANA). Raises `UserError`."""
    if name.upper() == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UserError(f"time zone {name!r} is unknown; right would be UTC or Europe/Berlin") from None


def _reading(columns: list[str], zone: tzinfo, where: str) -> tuple[int, float]:
    if len(columns) < 4 or columns[0] != "Time" or columns[2] != "Watts":
        raise UserError(f"{where}: not a line of a PTDaemon log; right would be {LINE}")
    try:
        t_ns = _utc_ns(columns[1], zone)
    except ValueError:
        raise UserError(f"{where}: time {columns[1]!r}; right would be MM-DD-YYYY HH:MM:SS.mmm") from None
    watts = _number(columns[3], "watts", where)
    if watts == _ERROR_VALUE and columns[4:5] == ["Volts"] and len(columns) > 5:
        return t_ns, math.nan if _number(columns[5], "volts", where) == _ERROR_VALUE else watts
    return t_ns, watts


def _number(text: str, what: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise UserError(f"{where}: {what} {text!r}; right would be a number")
    return number


def _utc_ns(stamp: str, zone: tzinfo) -> int:
    return utc_ns(datetime.strptime(stamp, STAMP).replace(tzinfo=zone))


def utc_ns(moment: datetime) -> int:
    """Unix ns of a moment with a zone. Raises ``ValueError`` beyond 64 bits (the year 2262)."""
    t_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if abs(t_ns) > INT64_MAX:
        raise ValueError(f"{moment} does not fit 64 bits of nanoseconds")
    return t_ns
