"""Data quality: whether every frame is accounted for, what was refused or late, and how clocks are."""

from __future__ import annotations

from grafana.choices import DEVICE, NODES, QUALITY, TO_NODE
from grafana.panels import (
    ANY_IS_BAD,
    NS,
    SECOND,
    SHARE,
    STAMP,
    TEXT,
    WATT,
    Dashboard,
    Panel,
)
from grafana.queries import COLUMNS, EVER, OF_NODES, folded, keep, newest, pipe, series, source

PACE_S = 10
NO_PACE = "Nothing was stored in this time range: is the collector running?"
KEY = 'group(columns: ["node", "boot", "stream"])'
ACCOUNTS = pipe(
    source("ledger", "made", "stored", "lost", "spooled", "missing", where=OF_NODES, start=EVER),
    'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
    "group()",
    keep("node", "stream", "boot", "made", "stored", "lost", "spooled", "missing"),
    'sort(columns: ["missing", "lost", "node", "stream"], desc: true)',
)
DEAD_BY_STREAM = pipe(
    source("dead", "size", "gone", where=OF_NODES, start=EVER),
    COLUMNS,
    "group()",
    "filter(fn: (r) => exists r.node and not exists r.gone)",
    'group(columns: ["node", "stream"])',
    'count(column: "size")',
    "group()",
    'rename(columns: {size: "dead"})',
    keep("node", "stream", "dead"),
)
HOLES = pipe(
    ACCOUNTS,
    "filter(fn: (r) => r.missing > 0)",
    keep("node", "stream", "boot", "made", "stored", "missing"),
)
REASONS = pipe(
    source("dead", "reason", "size", "gone", start=EVER),
    COLUMNS,
    "group()",
    "filter(fn: (r) => exists r.reason and not exists r.gone)",
    'group(columns: ["reason"])',
    'count(column: "size")',
    "group()",
    'rename(columns: {size: "letters"})',
    'sort(columns: ["letters"], desc: true)',
    keep("reason", "letters"),
)
REVISED = pipe(
    newest("window", "window", "number", "reason", "reasons", where=OF_NODES),
    "filter(fn: (r) => r.number > 1)",
    keep("_time", "node", "window", "stream", "state", "number", "reason", "reasons"),
)
LATE = pipe(
    source("pace", "late_s"),
    "aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)",
    series(),
)


def rate(field: str) -> str:
    """How many a second; a point of the pace is of ten seconds at least."""
    return pipe(
        source("pace", field),
        "aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)",
        f"map(fn: (r) => ({{r with _value: float(v: r._value) / {PACE_S}.0}}))",
        series(),
    )


CLOCKS = folded(source("clock", "offset_ns", "round_trip_ns", where=OF_NODES), "node", "peer")
BAD_CLOCKS = pipe(
    newest("window", "window", "clock_bad", "utc_offset_ns", "utc_offset_u95_ns", where=OF_NODES),
    "filter(fn: (r) => exists r.clock_bad and r.clock_bad)",
    keep("_time", "node", "window", "utc_offset_ns", "utc_offset_u95_ns"),
)
_EXTREMES = "\n".join(
    f"{name} = "
    + pipe(
        source("power", where=OF_NODES),
        f"aggregateWindow(every: v.windowPeriod, fn: {fold}, createEmpty: false)",
    )
    for name, fold in (("low", "min"), ("high", "max"))
)
SPREAD = f"{_EXTREMES}\n" + pipe(
    'join(tables: {h: high, l: low}, on: ["_time", "_start", "_stop", "_measurement", "_field", "node", '
    '"stream", "boot"])',
    "map(fn: (r) => ({r with _value: r._value_h - r._value_l}))",
    series("node", "stream"),
)
FROZEN = pipe(
    newest("window", "window", "flags", "reasons", where=OF_NODES),
    'filter(fn: (r) => exists r.flags and r.flags != "")',
    keep("_time", "node", "window", "stream", "state", "flags", "reasons"),
)

DASHBOARD = Dashboard(
    uid=QUALITY,
    title="e3p 6 · Data quality",
    words="Whether every frame is accounted for, what was refused, what came late, and how the clocks are",
    variables=(DEVICE, NODES),
    since="now-24h",
    panels=(
        Panel(
            kind="table",
            title="Where every frame is",
            words="made = stored + lost + spooled + missing, of each boot and stream, as its writer knows; "
            "dead letters are among the missing, and counted in the panel beside.",
            empty="The store has no frame of these nodes.",
            queries=(ACCOUNTS,),
            unit=TEXT,
            units={"made": "none", "stored": "none", "lost": "none", "spooled": "none", "missing": "none"},
            marks={"missing": ANY_IS_BAD, "lost": ANY_IS_BAD},
            links={"node": TO_NODE},
            height=10,
        ),
        Panel(
            kind="table",
            title="Holes",
            words="Streams of which frames are missing: their nodes made them, and nobody has them here.",
            empty="No hole: every frame that was made is stored, waits on its node, or was declared lost.",
            queries=(HOLES,),
            marks={"missing": ANY_IS_BAD},
            links={"node": TO_NODE},
            height=10,
        ),
        Panel(
            kind="table",
            title="Dead letters by stream",
            words="Messages of each stream that the collector refused; `e3p dead list` shows them.",
            empty="No dead letter of these nodes.",
            queries=(DEAD_BY_STREAM,),
            marks={"dead": ANY_IS_BAD},
            links={"node": TO_NODE},
            span=8,
        ),
        Panel(
            kind="table",
            title="Dead letters by reason",
            words="Why messages were refused, over all nodes; `e3p dead replay` tries one again.",
            empty="No dead letter: every message was understood.",
            queries=(REASONS,),
            marks={"letters": ANY_IS_BAD},
            span=8,
        ),
        Panel(
            kind="table",
            title="Results that were revised",
            words="Results that changed after they were told, and why: late frames, a new word of a person.",
            empty="No result of this time range was revised.",
            queries=(REVISED,),
            unit=TEXT,
            units={"_time": STAMP, "number": "none"},
            links={"node": TO_NODE},
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="How late data comes",
            words="The age of the newest power frame of a batch when it was written, at most.",
            empty=NO_PACE,
            queries=(LATE,),
            unit=SECOND,
            steps=((None, "green"), (60.0, "yellow"), (3600.0, "red")),
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Frames and samples stored, by second",
            words="How much the collector stores: the store's writers count it.",
            empty=NO_PACE,
            queries=(rate("frames"), rate("samples")),
            unit="cps",
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Share of time spent in writing",
            words="Near 1 the store is as fast as it can be, and data begins to wait on its nodes.",
            empty=NO_PACE,
            queries=(rate("write_s"),),
            unit=SHARE,
            steps=((None, "green"), (0.6, "yellow"), (0.9, "red")),
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Clocks: offset and round trip",
            words="UTC less node time, and how long the fastest exchange took, by node and peer.",
            empty="No exchange with the collector's clock in this time range.",
            queries=(CLOCKS,),
            unit=NS,
            name="${__field.labels.node} ${__field.name} ${__field.labels.of}",
            band=True,
        ),
        Panel(
            kind="table",
            title="Results with a bad clock",
            words="Windows whose node's clock was more than five minutes off: when they were is in doubt.",
            empty="No result of this time range has a bad clock.",
            queries=(BAD_CLOCKS,),
            unit=TEXT,
            units={"_time": STAMP, "utc_offset_ns": NS, "utc_offset_u95_ns": NS},
            links={"node": TO_NODE},
        ),
        Panel(
            kind="timeseries",
            title="Spread of the readings",
            words="Maximum less minimum of each channel in each interval: a sensor that is stuck has 0.",
            empty="No power of these nodes in this time range; raw power is kept for 30 days.",
            queries=(SPREAD,),
            unit=WATT,
            name="${__field.labels.node} ${__field.labels.stream} ${__field.name}",
        ),
        Panel(
            kind="table",
            title="Results with doubts about their sensor",
            words="Windows whose readings cannot be: frozen, negative, out of range, rails over the total.",
            empty="No result of this time range has a flag: no sensor was caught lying.",
            queries=(FROZEN,),
            unit=TEXT,
            units={"_time": STAMP},
            links={"node": TO_NODE},
        ),
    ),
)
