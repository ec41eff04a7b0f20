"""The fleet: who is there, what it draws, and who needs more energy than it should."""

from __future__ import annotations

from grafana.asked import AGAINST_OWN, LASTS, ONLY_TOTALS, TOTALS, energies, findings, power
from grafana.choices import DEVICE, FLEET, MODEL, NODES, OF_MODELS, TO_NODE, TO_RANKING
from grafana.panels import (
    ANY_IS_BAD,
    BYTES,
    DEVIATION,
    JOULE,
    NS,
    PERCENT,
    SECOND,
    SHARE,
    STAMP,
    TEXT,
    WATT,
    Dashboard,
    Panel,
)
from grafana.queries import (
    BEGIN,
    COLUMNS,
    DATE,
    END,
    EVER,
    NORMAL,
    OF_NODES,
    STRINGS,
    keep,
    pipe,
    series,
    source,
)

SILENT_S = 120
BY_NODE = 'pivot(rowKey: ["node"], columnKey: ["_field"], valueColumn: "_value")'
QUIET = f"int(v: {END}) - int(v: r._time)"

FACTS = pipe(
    source("node", "device", "software", "power_mode", "origin", where=OF_NODES, start=EVER),
    "last()",
    BY_NODE,
    "group()",
    keep("node", "device", "software", "power_mode", "origin"),
)
HEARD = DATE + pipe(
    source("frame", "seq", where=OF_NODES, start=NORMAL),
    "last()",
    keep("node", "_time"),
    'group(columns: ["node"])',
    'max(column: "_time")',
    f"map(fn: (r) => ({{node: r.node, quiet_s: float(v: {QUIET}) / 1000000000.0, "
    f'state: if {QUIET} > {SILENT_S}000000000 then "silent" else "reporting"}}))',
    "group()",
)
WATTS = (
    STRINGS
    + TOTALS
    + pipe(
        source("power", where=OF_NODES),
        "last()",
        ONLY_TOTALS,
        'group(columns: ["node"])',
        "max()",
        "group()",
        "map(fn: (r) => ({node: r.node, watts: r._value}))",
    )
)
REPORTED = pipe(
    source("health", "spool_bytes", "throttled", where=OF_NODES),
    "last()",
    BY_NODE,
    "group()",
    keep("node", "spool_bytes", "throttled"),
)
CLOCKS = DATE + pipe(
    source("clock", "offset_ns", "round_trip_ns", where=OF_NODES, start=NORMAL),
    "last()",
    'drop(columns: ["peer"])',
    BY_NODE,
    "group()",
    "map(fn: (r) => ({node: r.node, clock_offset_ns: r.offset_ns, clock_u_ns: r.round_trip_ns / 2.0}))",
)
STATES = pipe(HEARD, 'group(columns: ["state"])', 'count(column: "node")', "group()", keep("state", "node"))
KINDS = pipe(
    FACTS,
    'group(columns: ["device", "software"])',
    'count(column: "node")',
    "group()",
    keep("device", "software", "node"),
)
ALARMS = ("silent", "lost", "clock_bad", "spool_filling", "estimated_only", "frozen", "regression", "hole")
TROUBLES = pipe(
    findings((OF_NODES, " or ".join(f'r.kind == "{kind}"' for kind in ALARMS))),
    LASTS,
    'unique(column: "id")',
    'group(columns: ["kind"])',
    'reduce(identity: {nodes: 0, names: ""}, fn: (r, accumulator) => ({nodes: accumulator.nodes + 1, '
    'names: accumulator.names + (if accumulator.names == "" then "" else ", ") + r.node}))',
    "group()",
)
LASTING = pipe(
    findings(OF_NODES),
    LASTS,
    'sort(columns: ["begin"], desc: true)',
    "map(fn: (r) => ({r with since: time(v: r.begin)}))",
    keep("severity", "kind", "node", "subject", "words", "value", "expected", "unit", "since"),
)
NORMALS = (
    DATE
    + energies(OF_NODES)
    + "recent = "
    + pipe(
        f"each\n    |> filter(fn: (r) => r._time >= {BEGIN})",
        f"filter(fn: (r) => {OF_MODELS})",
        'group(columns: ["node", "model", "device"])',
        'median(column: "j", method: "exact_mean")',
        "group()",
    )
    + '\nwith_own = join(tables: {r: recent, n: own}, on: ["node", "model"])\n'
    + pipe(
        'join(tables: {r: with_own, k: kin}, on: ["device", "model"])',
        "map(fn: (r) => ({node: r.node, model: r.model, device: r.device, j_per_image: r.j, "
        "own_normal: r.own, kind_normal: r.kin, against_own: (r.j / r.own - 1.0) * 100.0, "
        "against_kind: (r.j / r.kin - 1.0) * 100.0}))",
        "group()",
        'sort(columns: ["against_own"], desc: true)',
    )
)
HOURS = (
    DATE
    + energies(OF_NODES)
    + pipe(
        AGAINST_OWN,
        f"filter(fn: (r) => {OF_MODELS})",
        'group(columns: ["node"])',
        'aggregateWindow(every: 1h, fn: mean, column: "percent", createEmpty: false, timeSrc: "_start")',
        'map(fn: (r) => ({_time: r._time, node: r.node, _value: r.percent, _field: "against_own", '
        '_measurement: "window"}))',
        series("node"),
    )
)
COVERED = pipe(
    source("frame", "n", "missed", where=OF_NODES),
    "aggregateWindow(every: v.windowPeriod, fn: sum, createEmpty: false)",
    'group(columns: ["_time", "node", "_field"])',
    "sum()",
    'group(columns: ["node"])',
    COLUMNS,
    'map(fn: (r) => ({_time: r._time, node: r.node, _field: "coverage", _measurement: "frame", '
    "_value: if r.n + r.missed > 0 then float(v: r.n) / float(v: r.n + r.missed) else 0.0}))",
    series("node"),
)

DASHBOARD = Dashboard(
    uid=FLEET,
    title="e3p 1 · Fleet",
    words="Who is there, what it draws, and who needs more energy for an image than it should",
    variables=(DEVICE, NODES, MODEL),
    since="now-24h",
    panels=(
        Panel(
            kind="barchart",
            title="Nodes by state",
            words=f"Reporting: a frame within {SILENT_S} s of the end of the time range; silent: none since.",
            empty="No node has sent a frame in the last seven days: is the collector running?",
            queries=(STATES,),
            x="state",
            span=6,
        ),
        Panel(
            kind="table",
            title="Kinds and software",
            words="How many nodes there are of each kind of device and software.",
            empty="No node has ever sent a manifest to this store.",
            queries=(KINDS,),
            links={"device": TO_RANKING},
            span=6,
        ),
        Panel(
            kind="table",
            title="Findings that last, by kind",
            words="Silent, lost, clock-bad, spool-filling, estimated-only, frozen and regressing nodes, and "
            "holes, by name.",
            empty="Nothing is wrong: no finding lasts for these nodes.",
            queries=(TROUBLES,),
            marks={"nodes": ANY_IS_BAD},
        ),
        Panel(
            kind="table",
            title="Nodes",
            words="Each node with what it is, when it was heard last, what it draws and keeps, its clock: "
            "`clock_u_ns` is half of the fastest round trip.",
            empty="No node has ever sent a manifest to this store.",
            queries=(FACTS, HEARD, WATTS, REPORTED, CLOCKS),
            joined="node",
            unit=TEXT,
            units={
                "quiet_s": SECOND,
                "watts": WATT,
                "spool_bytes": BYTES,
                "clock_offset_ns": NS,
                "clock_u_ns": NS,
                "throttled": "none",
            },
            marks={
                "quiet_s": ((None, "green"), (SILENT_S, "red")),
                "throttled": ANY_IS_BAD,
                "spool_bytes": ((None, "green"), (64e6, "yellow"), (512e6, "red")),
            },
            links={"node": TO_NODE},
            span=24,
            height=10,
        ),
        Panel(
            kind="timeseries",
            title="Watts by node",
            words="The total of each stream, mean of each interval with minimum and maximum around it.",
            empty="No power in this time range; raw power is kept for 30 days.",
            queries=(power(OF_NODES, ONLY_TOTALS),),
            unit=WATT,
            name="${__field.labels.node} ${__field.labels.stream} ${__field.labels.of}",
            band=True,
        ),
        Panel(
            kind="timeseries",
            title="Coverage",
            words="Which share of its samples each node could take; the rest are missed ticks.",
            empty="No frame of power in this time range.",
            queries=(COVERED,),
            unit=SHARE,
            steps=((None, "red"), (0.95, "yellow"), (0.99, "green")),
            name="${__field.labels.node}",
        ),
        Panel(
            kind="table",
            title="Energy per image against normal",
            words="Median of the time range against the node's own median of the last seven days, and "
            "against that of all devices of its kind with this model. From 5 % on yellow, from 10 % on red.",
            empty="No result with images in this time range: run a trial, or mark an application's work.",
            queries=(NORMALS,),
            unit=TEXT,
            units={
                "j_per_image": JOULE,
                "own_normal": JOULE,
                "kind_normal": JOULE,
                "against_own": PERCENT,
                "against_kind": PERCENT,
            },
            marks={"against_own": DEVIATION, "against_kind": DEVIATION},
            links={"node": TO_NODE},
        ),
        Panel(
            kind="statushistory",
            title="Node × hour: energy against its own normal",
            words="Each hour's mean deviation of a node's energy per image from its own seven-day median.",
            empty="No result with images in this time range: run a trial, or mark an application's work.",
            queries=(HOURS,),
            unit=PERCENT,
            steps=DEVIATION,
            name="${__field.labels.node}",
        ),
        Panel(
            kind="table",
            title="Findings that last",
            words="What the analyzer found and what has not ended, in its own words.",
            empty="Nothing is wrong: no finding lasts for these nodes.",
            queries=(LASTING,),
            unit=TEXT,
            units={"since": STAMP},
            links={"node": TO_NODE},
            span=24,
        ),
    ),
)
