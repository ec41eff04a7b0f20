"""What panels ask, in Flux; every name in it is one that the store writes, or the question is refused.

Flux, because the data source speaks it and one question may join what lies in several buckets. A bucket is
named after the data source's default one, so the same dashboard reads any store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from telemetry.contract.errors import UserError
from telemetry.store.influx.address import Address
from telemetry.store.influx.catalogue import HOLDINGS, Holding
from telemetry.store.influx.downsampling import AGGREGATES

BEGIN, END = "v.timeRangeStart", "v.timeRangeStop"
WINDOW = "v.windowPeriod"
EVER = "0"
"""The begin of a range that forgets nothing and reaches until now: some is said late of an earlier time."""
NORMAL_DAYS = 7
"""What a node needs as a rule is the median of so many days."""
NORMAL = f"date.sub(d: {NORMAL_DAYS}d, from: {END})"
DATE = 'import "date"\n'
STRINGS = 'import "strings"\n'
JOIN = 'import "join"\n'

OF_NODES = "r.node =~ /^${node:regex}$/"
OF_NODE = 'r.node == "${node}"'


def bucket(room: str) -> str:
    """A bucket as Flux names it: raw, results, long."""
    suffix = getattr(Address("", 0, False, "", "").buckets, room)  # noqa: FBT003 - only its names are asked
    return f'v.defaultBucket + "{suffix}"' if suffix else "v.defaultBucket"


def source(
    measurement: str,
    *fields: str,
    where: str | Sequence[str] = (),
    start: str = BEGIN,
    stop: str = END,
) -> str:
    """Points of a measurement; a field that ends in an underscore is all fields that begin so.

    Raises `UserError` for a name that the store does not write.
    """
    holding = held(measurement)
    for field in fields:
        if not holding.has(field) and field not in holding.families:
            raise UserError(f"{measurement}.{field}: the store writes no such field")
    conditions = [f'r._measurement == "{measurement}"', *([where] if isinstance(where, str) else where)]
    if fields:
        conditions.append(f"({' or '.join(map(_field, fields))})")
    chosen = "".join(f"\n    |> filter(fn: (r) => {each})" for each in conditions)
    until = "" if start == EVER else f", stop: {stop}"
    return f"from(bucket: {bucket(holding.room)})\n    |> range(start: {start}{until}){chosen}"


def held(measurement: str) -> Holding:
    """What the store says of a measurement. Raises `UserError` where it writes none of that name."""
    if measurement not in HOLDINGS:
        raise UserError(f"{measurement}: the store writes no such measurement")
    return HOLDINGS[measurement]


def newest(
    measurement: str,
    *fields: str,
    where: str | Sequence[str] = (),
    start: str = BEGIN,
    stop: str = END,
) -> str:
    """The newest revision of each document, a row with its fields as columns."""
    return pipe(
        source(measurement, *fields, where=where, start=start, stop=stop),
        COLUMNS,
        'group(columns: ["id"])',
        'sort(columns: ["revision"])',
        "tail(n: 1)",
        "group()",
    )


def pipe(first: str, *steps: str) -> str:
    """A question with what is done to its answer."""
    return first + "".join(f"\n    |> {step}" for step in steps)


COLUMNS = 'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'


def columns(names: Iterable[str]) -> str:
    """A list of names."""
    return ", ".join(f'"{name}"' for name in names)


def keep(*names: str) -> str:
    """A table of these columns only, in this order as far as Grafana keeps it."""
    return f"keep(columns: [{columns(names)}])"


def series(*labels: str) -> str:
    """What Grafana takes as time series: one for each field and combination of labels, without `boot`."""
    kept = ("_measurement", "_field", *labels)
    return (
        f"keep(columns: [{columns(('_time', '_value', *kept))}])\n"
        f"    |> group(columns: [{columns(kept)}])\n"
        '    |> sort(columns: ["_time"])'
    )


def folded(points: str, *labels: str, also: Sequence[str] = ()) -> str:
    """Points by the window period, as mean, minimum and maximum: what hides no peak and stays small.

    `also` is done to what was folded already, which is little. Each fold reads for itself: then the server's
    storage folds, and hands out no samples.
    """
    return "\n".join(
        pipe(
            points,
            f"aggregateWindow(every: {WINDOW}, fn: {fold}, createEmpty: false)",
            *also,
            f'set(key: "of", value: "{fold}")',
            series(*labels, "of"),
            f'yield(name: "{fold}")',
        )
        for fold in AGGREGATES
    )


def _field(name: str) -> str:
    return f"r._field =~ /^{name}/" if name.endswith("_") else f'r._field == "{name}"'
