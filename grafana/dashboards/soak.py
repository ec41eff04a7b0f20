"""Soak tests: what drifted, what broke, and the verdict."""

from __future__ import annotations

from grafana.choices import DEVICE, NODES, SOAK, TO_NODE
from grafana.panels import JOULE, MS, STAMP, TEXT, Dashboard, Note, Panel
from grafana.queries import COLUMNS, EVER, OF_NODES, folded, keep, newest, pipe, source

LABEL = "${__field.labels.node} ${__field.labels.of}"
NO_SOAK = "No soak test of these nodes: `e3p soak run plan.toml` makes one."
OF_WORK = 'r.kind == "interval"'
BY_TIME = 'sort(columns: ["_time"])'


def parts(measurement: str, *fields: str) -> str:
    """What the newest verdicts hold in one of their lists."""
    rows = pipe(source(measurement, *fields, where=OF_NODES, start=EVER), COLUMNS, "group()")
    verdicts = pipe(newest("soak", "number", where=OF_NODES, start=EVER), keep("id", "revision"))
    return f"""rows = {rows}
verdicts = {verdicts}
join(tables: {{r: rows, v: verdicts}}, on: ["id", "revision"])"""


def minutes(field: str) -> str:
    """A figure of the minutes of work, by the window period: they are read once, and folded three times."""
    points = pipe(
        newest("window", field, where=(OF_NODES, OF_WORK)),
        f"filter(fn: (r) => exists r.{field})",
        f'map(fn: (r) => ({{_time: r._time, node: r.node, _field: "{field}", _measurement: "window", '
        f"_value: r.{field}}}))",
        'group(columns: ["_measurement", "_field", "node"])',
    )
    return f"points = {points}\n{folded('points', 'node')}"


VERDICTS = pipe(
    newest(
        "soak",
        "verdict",
        "reasons",
        "begin",
        "end",
        "is_over",
        "windows_expected",
        "windows_complete",
        "windows_degraded",
        "windows_missing",
        where=OF_NODES,
        start=EVER,
    ),
    "map(fn: (r) => ({r with began: time(v: r.begin), ended: time(v: r.end)}))",
    'sort(columns: ["began"], desc: true)',
    keep(
        "id",
        "node",
        "model",
        "verdict",
        "reasons",
        "began",
        "ended",
        "is_over",
        "windows_expected",
        "windows_complete",
        "windows_degraded",
        "windows_missing",
    ),
)
HELD = pipe(
    parts("soak_held", "value", "lo", "hi", "budget", "unit", "words"),
    keep("id", "node", "name", "verdict", "lo", "value", "hi", "budget", "unit", "words"),
)
DRIFT = pipe(
    parts("soak_drift", "per_day", "lo", "hi", "unit", "level", "windows"),
    keep("id", "node", "metric", "lo", "per_day", "hi", "unit", "level", "windows"),
)
CHANGES = pipe(
    parts("soak_changes", "step", "lo", "hi", "unit"),
    BY_TIME,
    keep("_time", "id", "node", "metric", "lo", "step", "hi", "unit"),
)
EPISODES = pipe(
    parts("soak_episodes", "begin", "end", "words"),
    "map(fn: (r) => ({r with until: time(v: r.end)}))",
    BY_TIME,
    keep("_time", "until", "id", "node", "kind", "words"),
)
NOTES = (
    Note(
        name="Episodes",
        colour="red",
        query=pipe(
            parts("soak_episodes", "begin", "end", "words"),
            "map(fn: (r) => ({time: time(v: r.begin), timeEnd: time(v: r.end), "
            'text: r.kind + ": " + r.words, tags: r.node}))',
            "group()",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=SOAK,
    title="e3p 5 · Soak",
    words="Long runs: drift, steps, episodes, and the verdict",
    variables=(DEVICE, NODES),
    notes=NOTES,
    since="now-7d",
    panels=(
        Panel(
            kind="table",
            title="Verdicts",
            words="Each soak test by its newest verdict, with where its windows went.",
            empty=NO_SOAK,
            queries=(VERDICTS,),
            unit=TEXT,
            units={"began": STAMP, "ended": STAMP},
            links={"node": TO_NODE},
            span=24,
        ),
        Panel(
            kind="table",
            title="Budgets",
            words="What each soak was allowed and what was found, with its 95 % interval.",
            empty=NO_SOAK,
            queries=(HELD,),
            unit=TEXT,
            units={"value": "none", "lo": "none", "hi": "none", "budget": "none"},
        ),
        Panel(
            kind="table",
            title="Drift",
            words="The slope of each figure for a day, with its 95 % interval (Theil-Sen), and its level.",
            empty=NO_SOAK,
            queries=(DRIFT,),
            unit=TEXT,
            units={"per_day": "none", "lo": "none", "hi": "none", "level": "none", "windows": "none"},
        ),
        Panel(
            kind="timeseries",
            title="Energy of 1,000 images, by minute of work",
            words="Minutes in which an application worked: mean, minimum and maximum; episodes are marked.",
            empty="No minute of work in this time range: docs/marks.md says how an application marks it.",
            queries=(minutes("j_per_1000"),),
            unit=JOULE,
            name=LABEL,
            band=True,
        ),
        Panel(
            kind="timeseries",
            title="Latency, by minute of work",
            words="The 95th percentile of a batch's latency in minutes of work: mean, minimum and maximum.",
            empty="No minute of work in this time range: docs/marks.md says how an application marks it.",
            queries=(minutes("latency_ms_p95"),),
            unit=MS,
            name=LABEL,
            band=True,
        ),
        Panel(
            kind="table",
            title="Steps",
            words="From which moment on a figure is another one, by how much, with its 95 % interval.",
            empty="No soak test of these nodes, or none whose figures changed at once.",
            queries=(CHANGES,),
            unit=TEXT,
            units={"_time": STAMP, "step": "none", "lo": "none", "hi": "none"},
            links={"node": TO_NODE},
        ),
        Panel(
            kind="table",
            title="Episodes",
            words="Throttling, silence, frozen sensors, restarts, clock steps and missing data, and when.",
            empty="No soak test of these nodes, or nothing happened in one.",
            queries=(EPISODES,),
            unit=TEXT,
            units={"_time": STAMP, "until": STAMP},
            links={"node": TO_NODE},
        ),
    ),
)
