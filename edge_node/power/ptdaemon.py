"""Logs of SPEC PTDaemon, as MLPerf Power keeps them: `Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,W,Volts,V,…`."""

from __future__ import annotations

import math
from datetime import tzinfo
from pathlib import Path

from edge_node.power.logfile import stamp_ns, text_lines, zone_of
from edge_node.power.recording import Recording, RecordingBuilder
from telemetry.contract.errors import UserError

LINE = "Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,W,Volts,V,..."
STAMP = "%m-%d-%Y %H:%M:%S.%f"
CHANNELS = ("total",)

# What the meter writes when it has no reading: -2 W together with -2 V. A real -2 W would come with volts.
_ERROR_VALUE = -2.0


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
    return stamp_ns(text, STAMP, zone_of(tz))


def _reading(columns: list[str], zone: tzinfo, where: str) -> tuple[int, float]:
    if len(columns) < 4 or columns[0] != "Time" or columns[2] != "Watts":
        raise UserError(f"{where}: not a line of a PTDaemon log; right would be {LINE}")
    try:
        t_ns = stamp_ns(columns[1], STAMP, zone)
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
