"""Trials: the trace of one, what its uncertainty is made of, and its repeats beside each other."""

from __future__ import annotations

from grafana.choices import DATASET, DEVICE, MODEL, OF_DATASETS, OF_MODELS, ONE_NODE, TO_TRIAL, TRIALS
from grafana.dashboards.traces import NOTES, power_panels
from grafana.panels import (
    ANY_IS_BAD,
    JOULE,
    MS,
    SHARE,
    STAMP,
    TEXT,
    WATT,
    Dashboard,
    Panel,
    Variable,
)
from grafana.queries import COLUMNS, EVER, OF_NODE, folded, keep, newest, pipe, series, source
from telemetry.store.influx.plotted import BUDGET

OF_TRIAL = "r.id =~ /\\/${trial:regex}\\//"
TRIAL = Variable(
    name="trial",
    label="Trial",
    words="Trials of this node that ended in the time range",
    query=pipe(
        source("window", "window", where=(OF_NODE, OF_MODELS, 'r.kind == "trial"')),
        keep("_value"),
        "group()",
        "distinct()",
    ),
    many=False,
)
NO_TRIAL = "No such window: choose a trial above, or a time range in which one of this node ended."

FIGURES = (
    "energy_j",
    "energy_u95_j",
    "j_per_1000",
    "mean_w",
    "coverage",
    "images",
    "accuracy",
    "latency_ms_p50",
    "latency_ms_p95",
    "latency_ms_p99",
    "reasons",
    "flags",
)
FACTS = pipe(
    newest("window", *FIGURES, where=(OF_NODE, OF_TRIAL), start=EVER),
    keep("stream", "state", "model", "dataset", *FIGURES),
)
BUDGET_LINES = pipe(
    source("window", BUDGET, where=(OF_NODE, OF_TRIAL), start=EVER),
    'group(columns: ["id", "_field"])',
    'sort(columns: ["revision"])',
    "tail(n: 1)",
    "group()",
    f'map(fn: (r) => ({{line: strings.trimPrefix(v: r._field, prefix: "{BUDGET}"), stream: r.stream, '
    "u_j: r._value}))",
    'sort(columns: ["u_j"], desc: true)',
)
REPEATS = pipe(
    newest(
        "window",
        "index",
        "begin",
        "end",
        "window",
        "energy_j",
        "energy_u95_j",
        "leads",
        where=(OF_NODE, OF_MODELS, OF_DATASETS, 'r.kind == "trial"'),
    ),
    "filter(fn: (r) => exists r.energy_j and (not exists r.leads or r.leads))",
    "map(fn: (r) => ({r with lo: r.energy_j - r.energy_u95_j, hi: r.energy_j + r.energy_u95_j, "
    "from: r.begin / 1000000 - 2000, to: r.end / 1000000 + 2000}))",
    'sort(columns: ["model", "group", "index"])',
    keep("window", "node", "model", "group", "index", "state", "energy_j", "lo", "hi", "from", "to"),
)
REVISIONS = pipe(
    source(
        "window",
        "number",
        "computed_at",
        "energy_j",
        "energy_u95_j",
        "reason",
        "reasons",
        where=(OF_NODE, OF_TRIAL),
        start=EVER,
    ),
    COLUMNS,
    "group()",
    'sort(columns: ["id", "number"])',
    "map(fn: (r) => ({r with computed: time(v: r.computed_at)}))",
    keep("stream", "number", "computed", "state", "energy_j", "energy_u95_j", "reason", "reasons"),
)
GAPS = pipe(
    source("frame", "seq", "n", "missed", "no_reading", where=(OF_NODE, "r.stream =~ /^power\\//")),
    COLUMNS,
    'group(columns: ["node", "stream", "boot"])',
    'sort(columns: ["_time"])',
    'difference(columns: ["seq"], keepFirst: true)',
    "map(fn: (r) => ({_time: r._time, node: r.node, stream: r.stream, "
    "frames_missing: if exists r.seq then r.seq - 1 else 0, ticks_missed: r.missed, "
    "values_absent: r.no_reading}))",
    "filter(fn: (r) => r.frames_missing > 0 or r.ticks_missed > 0 or r.values_absent > 0)",
    "group()",
    'sort(columns: ["_time"])',
)
TAKEN = pipe(
    source("frame", "n", where=(OF_NODE, "r.stream =~ /^power\\//")),
    "aggregateWindow(every: v.windowPeriod, fn: sum, createEmpty: true)",
    series("node", "stream"),
)

DASHBOARD = Dashboard(
    uid=TRIALS,
    title="e3p 3 · Trial explorer",
    words="The trace of a trial, its budget, its repeats and its revisions",
    variables=(DEVICE, ONE_NODE, MODEL, DATASET, TRIAL),
    notes=NOTES,
    since="now-1h",
    panels=(
        Panel(
            kind="table",
            title="Repeats beside each other",
            words="Every trial of these models with its energy and 95 % interval; a name leads to its trace.",
            empty="No trial of this node, these models and data sets ended in this time range.",
            queries=(REPEATS,),
            unit=TEXT,
            units={"energy_j": JOULE, "lo": JOULE, "hi": JOULE, "index": "none"},
            links={"window": TO_TRIAL},
            span=24,
        ),
        *power_panels("Trace"),
        Panel(
            kind="timeseries",
            title="Batches",
            words="How long each batch of images took, at its end.",
            empty="No batch was marked in this time range.",
            queries=(folded(source("batch", "latency_ms", where=OF_NODE), "node"),),
            unit=MS,
            name="${__field.labels.of}",
            points=True,
        ),
        Panel(
            kind="timeseries",
            title="Samples taken",
            words="How many samples each interval has: a gap is a dent.",
            empty="No frame of power in this time range.",
            queries=(TAKEN,),
            name="${__field.labels.stream}",
        ),
        Panel(
            kind="table",
            title="Gaps",
            words="Frames missing before a frame, ticks missed in it, values that its sensor did not give.",
            empty="No gap: every sample of this time range is there.",
            queries=(GAPS,),
            unit=TEXT,
            units={"_time": STAMP, "frames_missing": "none", "ticks_missed": "none", "values_absent": "none"},
            marks={"frames_missing": ANY_IS_BAD, "ticks_missed": ANY_IS_BAD, "values_absent": ANY_IS_BAD},
        ),
        Panel(
            kind="barchart",
            title="Budget of the uncertainty",
            words="The standard uncertainty of each source, in joules, of the chosen trial.",
            empty=NO_TRIAL,
            queries=('import "strings"\n' + BUDGET_LINES,),
            unit=JOULE,
            x="line",
        ),
        Panel(
            kind="table",
            title="What came of it",
            words="The newest revision of the chosen trial, on each stream.",
            empty=NO_TRIAL,
            queries=(FACTS,),
            unit=TEXT,
            units={
                "energy_j": JOULE,
                "energy_u95_j": JOULE,
                "j_per_1000": JOULE,
                "mean_w": WATT,
                "coverage": SHARE,
                "accuracy": SHARE,
                "images": "none",
                "latency_ms_p50": MS,
                "latency_ms_p95": MS,
                "latency_ms_p99": MS,
            },
        ),
        Panel(
            kind="table",
            title="Revisions",
            words="Each revision of the chosen trial, when it was computed, and why.",
            empty=NO_TRIAL,
            queries=(REVISIONS,),
            unit=TEXT,
            units={"energy_j": JOULE, "energy_u95_j": JOULE, "computed": STAMP, "number": "none"},
        ),
    ),
)
