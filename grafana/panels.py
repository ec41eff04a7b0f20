"""What a dashboard is made of, before it is Grafana's JSON: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "timeseries", "table", "stat", "statushistory", "statetimeline", "barchart", "xychart", "trend"
]
Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: from this value on this colour, the first from the beginning.

The colours are Grafana's own names, which it draws for light and for dark.
"""

WATT, JOULE, MS, SECOND, PERCENT, SHARE, COUNT, BYTES, CELSIUS = (
    "watt",
    "joule",
    "ms",
    "s",
    "percent",
    "percentunit",
    "none",
    "bytes",
    "celsius",
)
NS, STAMP, TEXT = "ns", "dateTimeAsIso", "string"
HZ_MEGA = "rotmhz"

DEVIATION: Steps = ((None, "blue"), (-5.0, "green"), (5.0, "yellow"), (10.0, "red"))
"""Percent off the normal: within 5 it is noise, from 10 on a regression."""
ANY_IS_BAD: Steps = ((None, "green"), (1.0, "red"))
"""A count that should be 0."""
PLAIN: Steps = ((None, "blue"),)
"""Nothing about it is good or bad."""
JUDGED = ("state", "verdict", "severity")
"""Columns of a table whose words are good or bad by themselves."""
TONES: Mapping[str, str] = {
    **dict.fromkeys(("valid", "pass", "reporting"), "green"),
    **dict.fromkeys(("degraded", "inconclusive", "warning"), "yellow"),
    **dict.fromkeys(("invalid", "fail", "alarm", "silent"), "red"),
    "info": "blue",
}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: `words` say what it shows, `empty` why there may be nothing; queries are A, B, ….

    `unit` is of everything without one in `units` (by column). `steps` colour the values, `marks` columns of
    a table; `links` lead from a column to another dashboard. `joined`: the queries' tables become one, by
    this column. `name` is what a series is called. `band`: mean with minimum and maximum around it.
    """

    kind: Kind
    title: str
    words: str
    empty: str
    queries: tuple[str, ...]
    unit: str = COUNT
    span: int = 12
    height: int = 8
    units: Mapping[str, str] = field(default_factory=dict)
    steps: Steps = PLAIN
    marks: Mapping[str, Steps] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    joined: str | None = None
    name: str | None = None
    band: bool = False
    points: bool = False
    x: str | None = None
    y: str | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What a person chooses at the top; the query lists what there is. `many`: several, or all."""

    name: str
    label: str
    words: str
    query: str
    many: bool = True


@dataclass(frozen=True, kw_only=True)
class Note:
    """Times that are marked in every panel over time: columns `time`, `timeEnd`, `text`."""

    name: str
    colour: str
    query: str


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard. `since` is the time range that it opens with."""

    uid: str
    title: str
    words: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]
    notes: tuple[Note, ...] = ()
    since: str = "now-6h"
