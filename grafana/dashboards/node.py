"""One node: its power by rail, and everything that explains it."""

from __future__ import annotations

from grafana.choices import DEVICE, NODE, ONE_NODE, TO_TRIAL
from grafana.dashboards.traces import LABEL, NOTES, power_panels
from grafana.panels import (
    ANY_IS_BAD,
    BYTES,
    CELSIUS,
    HZ_MEGA,
    JOULE,
    MS,
    NS,
    SHARE,
    TEXT,
    WATT,
    Dashboard,
    Panel,
)
from grafana.queries import COLUMNS, OF_NODE, WINDOW, folded, keep, newest, pipe, series, source
from telemetry.store.influx.downsampling import AGGREGATES

NO_REPORT = "No report of this node in this time range; the agent sends one every few seconds while it runs."


def reported(*fields: str) -> str:
    """Figures of the node's own reports, by the window period."""
    return folded(source("health", *fields, where=OF_NODE), "node")


COST = pipe(
    source("health", "agent_cpu_s", where=OF_NODE),
    "derivative(unit: 1s, nonNegative: true)",
    "aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)",
    series("node"),
)
CLOCK = (
    "points = "
    + pipe(
        source("clock", "offset_ns", "round_trip_ns", where=OF_NODE),
        "aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)",
        COLUMNS,
    )
    + "\n"
    + "\n".join(
        pipe(
            "points",
            f'map(fn: (r) => ({{_time: r._time, node: r.node, peer: r.peer, of: "{of}", _field: "offset_ns", '
            f'_measurement: "clock", _value: r.offset_ns {how}}}))',
            series("node", "peer", "of"),
            f'yield(name: "{of}")',
        )
        for of, how in {
            "mean": "",
            "min": "- r.round_trip_ns / 2.0",
            "max": "+ r.round_trip_ns / 2.0",
        }.items()
    )
)
TRIALS = pipe(
    newest(
        "window",
        "begin",
        "end",
        "window",
        "energy_j",
        "energy_u95_j",
        "j_per_1000",
        "mean_w",
        "latency_ms_p95",
        "reasons",
        "flags",
        where=OF_NODE,
    ),
    "map(fn: (r) => ({r with from: r.begin / 1000000 - 2000, to: r.end / 1000000 + 2000}))",
    'sort(columns: ["end"], desc: true)',
    keep(
        "window",
        "node",
        "model",
        "stream",
        "state",
        "energy_j",
        "energy_u95_j",
        "j_per_1000",
        "mean_w",
        "latency_ms_p95",
        "reasons",
        "flags",
        "from",
        "to",
    ),
)
LONG = "\n".join(
    pipe(
        source("power_1m", where=(OF_NODE, f'r.of == "{fold}"')),
        f"aggregateWindow(every: {WINDOW}, fn: {fold}, createEmpty: false)",
        series("node", "stream", "of"),
        f'yield(name: "{fold}")',
    )
    for fold in AGGREGATES
)

DASHBOARD = Dashboard(
    uid=NODE,
    title="e3p 2 · Node",
    words="One node: power by rail with its trials, and all that explains it",
    variables=(DEVICE, ONE_NODE),
    notes=NOTES,
    since="now-1h",
    panels=(
        *power_panels("Power"),
        Panel(
            kind="timeseries",
            title="Temperature",
            words="Each temperature that the node reports.",
            empty=NO_REPORT,
            queries=(reported("temp_c_"),),
            unit=CELSIUS,
            steps=((None, "green"), (80.0, "yellow"), (95.0, "red")),
            name="${__field.name} ${__field.labels.of}",
            band=True,
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Clocks",
            words="The clock of each processor that the node reports.",
            empty=NO_REPORT,
            queries=(reported("clock_mhz_"),),
            unit=HZ_MEGA,
            name="${__field.name} ${__field.labels.of}",
            band=True,
            span=8,
        ),
        Panel(
            kind="statetimeline",
            title="Throttling",
            words="How many reasons slow the device down: 0 is none.",
            empty="This node does not tell whether it is throttled, or sent no report in this time range.",
            queries=(
                pipe(
                    source("health", "throttled", where=OF_NODE),
                    "aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)",
                    series("node"),
                ),
            ),
            steps=ANY_IS_BAD,
            name="${__field.labels.node}",
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Latency of batches",
            words="How long each marked batch took: mean, minimum and maximum of each interval.",
            empty="No batch was marked in this time range: docs/marks.md says how an application does.",
            queries=(folded(source("batch", "latency_ms", where=OF_NODE), "node"),),
            unit=MS,
            name="${__field.labels.of}",
            band=True,
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Spool",
            words="What waits on the device to be stored: near nothing while the node is connected.",
            empty=NO_REPORT,
            queries=(reported("spool_bytes"),),
            unit=BYTES,
            steps=((None, "green"), (64e6, "yellow"), (512e6, "red")),
            name="spool ${__field.labels.of}",
            band=True,
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="The agent's own cost",
            words="Which share of one processor the agent takes, and at the right how much memory.",
            empty=NO_REPORT,
            queries=(COST, reported("agent_rss_mib")),
            unit=SHARE,
            units={"agent_rss_mib": "mbytes"},
            name="${__field.name} ${__field.labels.of}",
            span=8,
        ),
        Panel(
            kind="timeseries",
            title="Clock offset ± u",
            words="UTC less node time by the fastest exchange with each peer, ± half of its round trip.",
            empty="No exchange with the collector's clock in this time range.",
            queries=(CLOCK,),
            unit=NS,
            steps=((None, "green"), (300e9, "red")),
            name="${__field.labels.peer} ${__field.labels.of}",
            band=True,
        ),
        Panel(
            kind="timeseries",
            title="Power for years",
            words="Means, minima and maxima of a minute, which the tasks of `e3p store setup` keep for ever.",
            empty="Nothing kept yet: run `e3p store setup` once; its tasks begin with the next minutes.",
            queries=(LONG,),
            unit=WATT,
            name=LABEL,
            band=True,
        ),
        Panel(
            kind="table",
            title="Results",
            words="Trials and minutes of work, newest first; a window's name leads to its trace.",
            empty="No window of this node ended in this time range.",
            queries=(TRIALS,),
            unit=TEXT,
            units={
                "energy_j": JOULE,
                "energy_u95_j": JOULE,
                "j_per_1000": JOULE,
                "mean_w": WATT,
                "latency_ms_p95": MS,
            },
            links={"window": TO_TRIAL},
            span=24,
        ),
    ),
)
