"""Logs of NVIDIA's `tegrastats` on a Jetson: one line for each interval, with the power of each rail in mW.

`RAIL now/average`, with or without `mW` and with a third number on some releases: the first is the reading,
the others are means since the start. `RAM 3276/7859MB` and `SWAP 0/3929MB` look alike and are none. From
JetPack 5 on a line begins with its time, in whole seconds; before it has none. (NVIDIA's Jetson Linux
Developer Guide, "tegrastats Utility".)
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from itertools import groupby
from pathlib import Path
from statistics import median_high

from edge_node.power.jetson.boards import Layout, layout_of
from edge_node.power.jetson.ina3221 import GAIN_UNCERTAINTY
from edge_node.power.logfile import stamp_ns, text_lines, zone_of
from edge_node.power.observe import Figures
from edge_node.power.recording import Recording, RecordingBuilder
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S

LINE = "[MM-DD-YYYY HH:MM:SS] RAM 3276/7859MB ... VDD_IN 5297mW/5297mW ..."
STAMP = "%m-%d-%Y %H:%M:%S"
UNUSED = "NC"
SUM = "total"

_STAMP = re.compile(r"(\d\d-\d\d-\d{4} \d\d:\d\d:\d\d) ")
# Neither `7859MB` nor `0%@729` nor `(lfb 5x4MB)` may follow the numbers, nor `CPU@38C` come before them.
_RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*) (\d+)(?:mW)?(?:/\d+(?:mW)?){1,2}(?!\S)")

Line = dict[str, float]


def read(
    path: str | Path, tz: str = "UTC", start_ns: int | None = None, interval_ms: float | None = None
) -> Recording:
    """The readings of a log: the board's total and its parts, in watts.

    Lines without times are `interval_ms` apart from `start_ns` (UTC) on. Whole seconds are shared out among
    their lines. A last line cut short is left out and counted. Raises `UserError` with file and line.
    """
    path = Path(path)
    texts = text_lines(path, LINE)
    lines = [_line(text, f"{path}:{number}") for number, text in enumerate(texts, 1)]
    truncated = int(len(lines) > 1 and len(lines[-1]) < len(lines[0]))
    lines = lines[: len(lines) - truncated]
    for number, line in enumerate(lines, 1):
        if not line:
            raise UserError(f"{path}:{number}: no rail's power in it; right would be {LINE}")
    layout = _layout(set().union(*lines), path)
    rails = (layout.total, *layout.parts) if layout.total else layout.parts
    gathered = RecordingBuilder()
    for t_ns, line in zip(_times(texts[: len(lines)], path, tz, start_ns, interval_ms), lines, strict=True):
        watts = [line.get(rail, math.nan) for rail in rails]
        gathered.errors += any(map(math.isnan, watts))
        gathered.add(t_ns, (*(() if layout.total else (sum(watts),)), *watts))
    channels = rails if layout.total else (SUM, *rails)
    stated = Figures(gain_uncertainty=GAIN_UNCERTAINTY, max_w=layout.max_w)
    return replace(gathered.recording("tegrastats", channels, truncated), stated=stated)


def _line(text: str, where: str) -> Line:
    """Watts of each rail on a line; an unconnected channel is no rail."""
    found: Line = {}
    for name, milliwatts in _RAIL.findall(text):
        if UNUSED in name.split("_"):
            continue
        if name in found:
            raise UserError(f"{where}: rail {name} stands there twice; each rail's power is expected once")
        found[name] = int(milliwatts) * 1e-3
    return found


def _layout(rails: set[str], path: Path) -> Layout:
    layout = layout_of(rails)
    if layout is None:
        there = ", ".join(sorted(rails))
        raise UserError(f"{path}: no rail is known as a board's total; there are: {there}")
    return layout


def _times(
    texts: Sequence[str], path: Path, tz: str, start_ns: int | None, interval_ms: float | None
) -> Sequence[int]:
    stamps = [_STAMP.match(text) for text in texts]
    if not any(stamps):
        if start_ns is None or interval_ms is None:
            need = "say when and how it was recorded: --start TIME --interval MS"
            raise UserError(f"{path}: its lines carry no time; {need}")
        return [start_ns + round(at * interval_ms * NS_PER_MS) for at in range(len(texts))]
    if start_ns is not None or interval_ms is not None:
        raise UserError(f"{path}: its lines carry their times; leave --start and --interval out")
    zone = zone_of(tz)
    seconds = array("q")
    for number, stamp in enumerate(stamps, 1):
        if stamp is None:
            raise UserError(f"{path}:{number}: no time, unlike other lines; right would be {LINE}")
        seconds.append(_second_ns(stamp[1], zone, f"{path}:{number}"))
        if len(seconds) > 1 and seconds[-1] < seconds[-2]:
            raise UserError(f"{path}:{number}: time {stamp[1]} lies before the line above; times must rise")
    return shared_out(seconds)


def _second_ns(text: str, zone: tzinfo, where: str) -> int:
    try:
        return stamp_ns(text, STAMP, zone)
    except ValueError:
        raise UserError(f"{where}: time {text!r}; right would be MM-DD-YYYY HH:MM:SS") from None


def shared_out(seconds: Sequence[int]) -> list[int]:
    """Times (ns) of lines that were stamped with whole seconds: those of one second at equal distances in it.

    The first second is filled from its end, the last one from its begin, at the usual distance. A lone line
    stands in the middle of its second, where it is on the average.
    """
    groups = [(second, len(list(same))) for second, same in groupby(seconds)]
    inner = [count for _, count in groups[1:-1]] or [count for _, count in groups]
    usual = median_high(inner)
    times: list[int] = []
    for at, (second, count) in enumerate(groups):
        slots = max(usual, count) if at in (0, len(groups) - 1) else count
        skipped = slots - count if at == 0 and len(groups) > 1 else 0
        times += [second + (2 * (skipped + k) + 1) * NS_PER_S // (2 * slots) for k in range(count)]
    return times
