"""Alert rules as Grafana 11.6 evaluates them: queries on a real InfluxDB, series, last value, threshold.

How a Flux answer becomes series is `pkg/tsdb/influxdb/flux/builder.go`: with `_measurement` a table is a
series of `_value`, and every column that begins with no underscore is a label.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from tests.servers import Influx

Labels = dict[str, str]
ANNOTATIONS = 3


def interpolated(query: str, bucket: str, range_s: int) -> str:
    """The query as Grafana's data source sends it."""
    begin = datetime.fromtimestamp(time.time() - range_s, timezone.utc).isoformat()
    return query.replace("v.defaultBucket", json.dumps(bucket)).replace("v.timeRangeStart", begin)


def flux(influx: Influx, query: str) -> str:
    """What the server answers to a query, as annotated CSV."""
    dialect = {"header": True, "annotations": ["datatype", "group", "default"]}
    body = json.dumps({"query": query, "type": "flux", "dialect": dialect}).encode()
    headers = {"Authorization": f"Token {influx.token}", "Content-Type": "application/json"}
    url = f"{influx.url}/api/v2/query?org={influx.org}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            answered: str = answer.read().decode()
    except urllib.error.HTTPError as refused:
        raise AssertionError(refused.read().decode()) from None
    return answered


def rows(answer: str) -> Iterator[dict[str, str]]:
    """The rows of annotated CSV, of all its tables."""
    for table in re.split(r"\r?\n\r?\n", answer.strip()):
        lines = table.splitlines()
        yield from csv.DictReader(io.StringIO("\n".join(lines[ANNOTATIONS:])))


def series(answer: str) -> list[tuple[Labels, list[float]]]:
    """Series as Grafana makes them. Raises `AssertionError` where it would find none, or two of one name."""
    found: dict[str, tuple[Labels, list[float]]] = {}
    for row in rows(answer):
        assert row.get("_measurement"), f"no series without _measurement: {row}"
        assert row.get("_time"), f"no series without _time: {row}"
        labels = {key: value for key, value in row.items() if key and key[0] != "_" and key not in NOT_TAGS}
        found.setdefault(row["table"], (labels, []))[1].append(float(row["_value"]))
    names = [json.dumps(labels, sort_keys=True) for labels, _ in found.values()]
    assert len(set(names)) == len(names), f"two series with the same labels: {names}"
    return list(found.values())


NOT_TAGS = ("result", "table")


def firing(influx: Influx, bucket: str, rule: dict[str, Any]) -> list[Labels]:
    """The labels of every series for which the rule's condition holds now."""
    query, reduce, threshold = rule["data"]
    assert reduce["model"]["expression"] == "A"
    assert (reduce["model"]["type"], reduce["model"]["reducer"]) == ("reduce", "last")
    assert (threshold["model"]["type"], threshold["model"]["expression"]) == ("threshold", "B")
    (condition,) = threshold["model"]["conditions"]
    assert condition["evaluator"]["type"] == "gt"
    text = interpolated(query["model"]["query"], bucket, query["relativeTimeRange"]["from"])
    (least,) = condition["evaluator"]["params"]
    found = series(flux(influx, text))
    return [{k: v for k, v in labels.items() if v} for labels, values in found if values[-1] > least]


def told(words: str, labels: Labels) -> str:
    """A summary as a person reads it, for templates that name labels alone."""
    words = re.sub(
        r"\{\{ with \.Labels\.(\w+) \}\}(.*?)\{\{ end \}\}",
        lambda found: found[2].replace("{{ . }}", labels[found[1]]) if labels.get(found[1]) else "",
        words,
    )
    return re.sub(r"\{\{ \.Labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), words)
