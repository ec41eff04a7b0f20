"""Questions that several dashboards share."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.queries import (
    BEGIN,
    EVER,
    NORMAL,
    STRINGS,
    folded,
    keep,
    newest,
    pipe,
    source,
)
from telemetry.store.influx.plots import TOTAL

_KEY = f'r.node + "/" + strings.trimPrefix(v: r._field, prefix: "{TOTAL}") + "/" + r._value'
TOTALS = (
    "totals = "
    + pipe(
        source("node", TOTAL, start=EVER),
        "last()",
        f"map(fn: (r) => ({{key: {_KEY}}}))",
        "group()",
        'findColumn(fn: (key) => true, column: "key")',
    )
    + "\n"
)
"""Which channels are totals, as NODE/STREAM/CHANNEL."""
IS_TOTAL = 'contains(value: r.node + "/" + r.stream + "/" + r._field, set: totals)'
ONLY_TOTALS = f"filter(fn: (r) => {IS_TOTAL})"
ONLY_PARTS = f"filter(fn: (r) => not {IS_TOTAL})"
COUNTS = "not exists r.leads or r.leads"
"""Of a window that several streams of one node measured, the result that leads."""
FILLED = 'if exists r.device then r.device else "unknown"'
LASTS = "filter(fn: (r) => not exists r.until)"


def power(where: str, chosen: str) -> str:
    """Power by the window period, of totals or of parts."""
    points = source("power", where=where)
    return STRINGS + TOTALS + folded(points, "node", "stream", also=(chosen,))


def energies(where: str) -> str:
    """Flux that names three tables: `each` result with its joules per image, and what is normal.

    `own` is the median of node and model over the last days, `kin` that of the kind of device and model.
    """
    each = pipe(
        newest("window", "j_per_1000", "leads", where=(where, 'r.state != "invalid"'), start=NORMAL),
        f"filter(fn: (r) => exists r.j_per_1000 and exists r.model and ({COUNTS}))",
        f"map(fn: (r) => ({{_time: r._time, node: r.node, model: r.model, device: {FILLED}, "
        "j: r.j_per_1000 / 1000.0}))",
    )
    return f"each = {each}\nown = {_normal('node', 'own')}\nkin = {_normal('device', 'kin')}\n"


def _normal(of: str, name: str) -> str:
    return pipe(
        "each",
        f'group(columns: ["{of}", "model"])',
        'median(column: "j", method: "exact_mean")',
        f'rename(columns: {{j: "{name}"}})',
        "group()",
    )


AGAINST_OWN = pipe(
    'join(tables: {r: each, n: own}, on: ["node", "model"])',
    f"filter(fn: (r) => r._time >= {BEGIN})",
    "map(fn: (r) => ({r with percent: (r.j / r.own - 1.0) * 100.0}))",
)
"""Each result of the time range, in percent off its node's own normal."""


def trial_windows(where: str) -> str:
    """Windows of trials as annotations."""
    return pipe(
        newest("window", "begin", "end", "window", "energy_j", "leads", where=(where, 'r.kind == "trial"')),
        f"filter(fn: (r) => {COUNTS})",
        "map(fn: (r) => ({time: time(v: r.begin), timeEnd: time(v: r.end), "
        'text: r.window + ": " + (if exists r.model then r.model else "window") + ", " + r.state, '
        "tags: r.node}))",
        "group()",
    )


def findings(where: str | Sequence[str]) -> str:
    """The newest revision of each finding of the fleet."""
    return newest(
        "event", "begin", "until", "words", "cause", "unit", "value", "expected", where=where, start=EVER
    )


def choices(measurement: str, tag: str, where: str = "true") -> str:
    """Every value that a tag has."""
    found = source(measurement, *(("number",) if measurement != "node" else ()), where=where, start=EVER)
    known = f'filter(fn: (r) => exists r.{tag} and r.{tag} != "")'
    return pipe(found, keep(tag), "group()", known, f'distinct(column: "{tag}")')
