"""Logs of `nvidia-smi --query-gpu=timestamp,power.draw,… --format=csv[,noheader][,nounits] -lms N`.

The columns are those that were asked for, in that order. Stamps are local time without a zone. What a GPU
does not tell is `[N/A]`, `[Not Supported]`, `[Unknown Error]` or the like. (`nvidia-smi --help-query-gpu`.)
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from edge_node.power.logfile import stamp_ns, text_lines, zone_of
from edge_node.power.nvml import GAIN_UNCERTAINTY
from edge_node.power.nvml_table import AVERAGE_MS
from edge_node.power.observe import Figures
from edge_node.power.recording import Recording, RecordingBuilder
from telemetry.contract.errors import UserError

LINE = "2023/10/11 10:25:45.123, 31.41 W"
HEADER = "timestamp, power.draw [W]"
STAMP = "%Y/%m/%d %H:%M:%S.%f"
CHANNELS = ("gpu",)

# The best first: what is nearest to an instant.
POWERS = ("power.draw.instant", "power.draw", "power.draw.average")
NAMES = ("uuid", "gpu_uuid", "index", "pci.bus_id", "gpu_bus_id")
_SCALE = {"": 1.0, "W": 1.0, "mW": 1e-3}
_STAMPED = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+")
_WATTS = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(W|mW)?")
_NONE = re.compile(r"\[.*\]|N/A|ERR!", re.IGNORECASE)


class Columns(NamedTuple):
    """Where on a line things stand. `power` is the column's name, `names` those that tell GPUs apart."""

    width: int
    time: int
    watts: int
    power: str
    scale: float
    names: tuple[int, ...]


def read(path: str | Path, tz: str = "UTC", gpu: str | None = None, query: str | None = None) -> Recording:
    """The readings of one GPU: of `gpu` (its index, or the begin of its UUID) where several are in the log.

    `query` is what `--query-gpu` was given, for a log without a header. A last line cut short is left out and
    counted. Raises `UserError` with file and line.
    """
    path = Path(path)
    rows = _rows(path)
    columns, first = _columns(rows, query, path)
    truncated = int(len(rows) > first + 1 and len(rows[-1]) < columns.width)
    rows = rows[: len(rows) - truncated]
    chosen = _chosen(rows[first:], columns, gpu, path)
    zone = zone_of(tz)
    gathered = RecordingBuilder()
    for number, row in enumerate(rows[first:], first + 1):
        where = f"{path}:{number}"
        if row == rows[0] and first:
            continue  # a second run that was appended to the log
        if len(row) != columns.width:
            raise UserError(f"{where}: {len(row)} columns; {columns.width} are expected, as above")
        if columns.names and row[columns.names[0]] != chosen:
            continue
        t_ns = _time_ns(row[columns.time], zone, where)
        if gathered.falls(t_ns):
            raise UserError(f"{where}: time {row[columns.time]} lies before the one above; times must rise")
        watts = _watts(row[columns.watts], columns.scale, where)
        gathered.errors += math.isnan(watts)
        gathered.add(t_ns, (watts,))
    if gathered.errors == len(gathered.times_ns):
        raise UserError(f"{path}: no reading in it: this GPU does not tell {columns.power}")
    averaging_ms = AVERAGE_MS if columns.power == "power.draw.average" else None
    stated = Figures(gain_uncertainty=GAIN_UNCERTAINTY, averaging_window_ms=averaging_ms)
    return replace(gathered.recording("nvidia-smi", CHANNELS, truncated), stated=stated, source=_uuid(chosen))


def _rows(path: Path) -> list[list[str]]:
    lines = text_lines(path, LINE)
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, skipinitialspace=True)]
    except csv.Error as error:
        raise UserError(f"{path}: not CSV ({error}); right would be {HEADER}") from None


def _columns(rows: Sequence[Sequence[str]], query: str | None, path: Path) -> tuple[Columns, int]:
    """What the columns are, and how many rows of header there are."""
    if any(_STAMPED.fullmatch(cell) for cell in rows[0]):
        names = query.split(",") if query else _guessed(rows[0], path)
        if len(names) != len(rows[0]):
            raise UserError(f"{path}:1: {len(rows[0])} columns; --query names {len(names)}")
        return _known([name.strip() for name in names], path), 0
    return _known(list(rows[0]), path), 1


def _guessed(row: Sequence[str], path: Path) -> list[str]:
    """Names for a line without a header, where its cells leave no doubt."""
    names = []
    for cell in row:
        watts = _WATTS.fullmatch(cell)
        if _STAMPED.fullmatch(cell):
            names.append("timestamp")
        elif watts is not None and watts[2]:
            names.append(POWERS[1])
        else:
            names.append("uuid" if cell.startswith("GPU-") else "")
    if names.count("timestamp") == names.count(POWERS[1]) == 1 and "" not in names:
        return names
    right = "say what nvidia-smi was asked for, such as --query timestamp,index,power.draw"
    raise UserError(f"{path}: no header, and its columns could be anything; {right}")


def _known(header: Sequence[str], path: Path) -> Columns:
    plain = [name.partition("[")[0].strip() for name in header]
    power = next((name for name in POWERS if name in plain), None)
    if power is None or "timestamp" not in plain:
        raise UserError(f"{path}:1: columns {', '.join(header)!r:.120}; right would be {HEADER}")
    unit = header[plain.index(power)].partition("[")[2].rstrip("] ")
    if unit not in _SCALE:
        raise UserError(f"{path}:1: {power} in {unit!r}; right would be W or mW")
    return Columns(
        width=len(header),
        time=plain.index("timestamp"),
        watts=plain.index(power),
        power=power,
        scale=_SCALE[unit],
        names=tuple(plain.index(name) for name in NAMES if name in plain),
    )


def _chosen(rows: Sequence[Sequence[str]], columns: Columns, gpu: str | None, path: Path) -> str | None:
    """The GPU to take, as it stands in the first column that names it; None where the log names none."""
    if not columns.names:
        if gpu is not None:
            raise UserError(f"{path}: no column tells GPUs apart (index or uuid); leave --gpu out")
        return None
    whole = [row for row in rows if len(row) == columns.width and row[columns.names[0]] not in NAMES]
    there = dict.fromkeys(row[columns.names[0]] for row in whole)
    if not there:
        raise UserError(f"{path}: a header and no reading; lines like {LINE} are expected")
    if gpu is None:
        fitting = there
    else:
        fits = (row for row in whole if any(_is_meant(row[at], gpu) for at in columns.names))
        fitting = dict.fromkeys(row[columns.names[0]] for row in fits)
    if len(fitting) != 1:
        which = "several GPUs" if gpu is None else f"--gpu {gpu} fits {len(fitting)} of the GPUs"
        raise UserError(f"{path}: {which}: {', '.join(there)}; name one with --gpu")
    return next(iter(fitting))


def _uuid(name: str | None) -> str | None:
    return name if name is not None and name.startswith("GPU-") else None


def _is_meant(name: str, gpu: str) -> bool:
    return name == gpu or (not gpu.isdigit() and name.startswith(gpu))


def _time_ns(text: str, zone: tzinfo, where: str) -> int:
    try:
        return stamp_ns(text, STAMP, zone)
    except ValueError:
        raise UserError(f"{where}: time {text!r}; right would be YYYY/MM/DD HH:MM:SS.mmm") from None


def _watts(text: str, scale: float, where: str) -> float:
    if _NONE.fullmatch(text):
        return math.nan
    found = _WATTS.fullmatch(text)
    if found is None:
        raise UserError(f"{where}: power {text!r}; right would be a number, with W or without, or [N/A]")
    return float(found[1]) * (_SCALE[found[2]] if found[2] else scale)
