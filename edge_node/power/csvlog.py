"""Recorded power as CSV: a header, a time column, and one column of watts for each channel."""

from __future__ import annotations

import csv
import math
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path

from edge_node.power.logfile import text_lines, utc_ns, zone_of
from edge_node.power.recording import Recording, RecordingBuilder
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import INT64_MAX, NS_PER_S

TIME_NAMES = ("t", "time", "timestamp")
EXPECTED = "time,watts (or time,total_w,gpu_w,...)"

ISO = "2022-02-17T12:46:22.556"

# Seconds until the year 5138, nanoseconds from 1973 on. Between them lie milliseconds and microseconds, and
# taking those for nanoseconds would make a joule a million times too small.
_SECONDS_BELOW = 10**11
_NS_FROM = 10**17


def read(path: str | Path, tz: str = "UTC") -> Recording:
    """The readings of a CSV file; the channels are the columns `watts` and `NAME_w`.

    Times are Unix seconds or nanoseconds, or ISO 8601 (in `tz` unless they carry a zone). An empty cell is
    no reading. A last line cut short is left out and counted. Raises `UserError` with file and line.
    """
    path = Path(path)
    rows = _rows(text_lines(path, EXPECTED), path)
    zone = zone_of(tz)
    header = rows[0]
    time_at, channels = _columns(header, path)
    truncated = int(len(rows[-1]) < len(header))
    gathered = RecordingBuilder()
    for number, row in enumerate(rows[1 : len(rows) - truncated], 2):
        where = f"{path}:{number}"
        if len(row) != len(header):
            raise UserError(f"{where}: {len(row)} columns; the header has {len(header)}")
        t_ns = _time_ns(row[time_at], zone, where)
        if gathered.falls(t_ns):
            raise UserError(f"{where}: time {row[time_at]} lies before the line above; times must rise")
        watts = tuple(_watts(row[at], where) for at in channels.values())
        gathered.errors += any(map(math.isnan, watts))
        gathered.add(t_ns, watts)
    if not gathered.times_ns:
        raise UserError(f"{path}: a header and no reading; lines under {','.join(header)} are expected")
    return gathered.recording("csv", tuple(channels), truncated)


def _rows(lines: list[str], path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(lines))
    except csv.Error as error:
        raise UserError(f"{path}: not CSV ({error}); right would be {EXPECTED}") from None


def _columns(header: list[str], path: Path) -> tuple[int, dict[str, int]]:
    names = [name.strip().lower() for name in header]
    time_at = next((at for at, name in enumerate(names) if name in TIME_NAMES), None)
    channels = {_channel(name): at for at, name in enumerate(names) if _channel(name)}
    if time_at is None or not channels:
        raise UserError(f"{path}:1: columns {','.join(header)!r:.120}; right would be {EXPECTED}")
    return time_at, channels


def _channel(column: str) -> str:
    if column == "watts":
        return "total"
    return column[: -len("_w")] if column.endswith("_w") else ""


def _time_ns(text: str, zone: tzinfo, where: str) -> int:
    try:
        number = Decimal(text)
        if abs(number) < _SECONDS_BELOW:
            return int(number * NS_PER_S)
        if _NS_FROM <= abs(number) <= INT64_MAX:
            return int(number)
    except InvalidOperation:
        try:
            # 3.10 does not know the Z of UTC.
            moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
            return utc_ns(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        except (ValueError, OverflowError):
            pass
    raise UserError(f"{where}: time {text!r:.60}; right would be Unix seconds, nanoseconds, or {ISO}")


def _watts(text: str, where: str) -> float:
    if not text.strip():
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{where}: watts {text!r}; right would be a number or nothing") from None
