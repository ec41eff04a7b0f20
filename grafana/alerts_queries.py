"""What alert rules ask of the store, in Flux.

Grafana makes a series of a table only where it has `_measurement`, and a label of every text column, which
may not be absent then. The buckets are named after the data source's own, so that rules fit every store.
"""

from __future__ import annotations

from telemetry.contract.events import FindingKind

LABELS = ("node", "subject", "device", "model")
"""What a finding is of: the labels of its alert."""


def lasting(*kinds: FindingKind) -> str:
    """1 for each finding of these kinds that lasts by its newest revision, a series for each subject."""
    chosen = " or ".join(f'r.kind == "{kind}"' for kind in kinds)
    texts = "".join(f'\n        {name}: if exists r.{name} then r.{name} else "",' for name in LABELS)
    labels = ", ".join(f'"{name}"' for name in LABELS)
    return f"""from(bucket: v.defaultBucket + "-results")
    |> range(start: v.timeRangeStart)
    |> filter(fn: (r) => r._measurement == "event" and ({chosen}))
    |> filter(fn: (r) => r._field == "number" or r._field == "until")
    |> map(fn: (r) => ({{
        id: r.id, revision: r.revision,{texts}
        _time: now(), _measurement: "event", _field: "lasts",
        _value: if r._field == "until" then 0.0 else 1.0,
    }}))
    |> group(columns: ["id", "revision"])
    |> min()
    |> group(columns: ["id"])
    |> sort(columns: ["revision"])
    |> tail(n: 1)
    |> group(columns: ["_measurement", "_field", {labels}])
    |> max()
    |> drop(columns: ["id", "revision"])
"""


BUSY = """from(bucket: v.defaultBucket)
    |> range(start: v.timeRangeStart)
    |> filter(fn: (r) => r._measurement == "pace" and r._field == "write_s")
    |> group(columns: ["_measurement", "_field"])
    |> mean()
    |> map(fn: (r) => ({r with _time: now(), _value: r._value / 10.0}))
"""
"""Which share of its time a writer spends in writing; a point of `pace` is of ten seconds at least."""

AGE = """from(bucket: v.defaultBucket)
    |> range(start: v.timeRangeStart)
    |> filter(fn: (r) => r._measurement == "pace" and r._field == "frames")
    |> group(columns: ["_measurement", "_field"])
    |> last()
    |> map(fn: (r) => ({r with
        _time: now(),
        _value: float(v: int(v: now()) - int(v: r._time)) / 1000000000.0,
    }))
"""
"""For how many seconds nothing has been stored."""
