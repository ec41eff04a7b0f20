"""``python -m e3p.metrics_page > docs/metrics.md``: the page of all metrics, made from the programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from prometheus_client import CollectorRegistry

from analyzer.metrics import Metrics as AnalyzerMetrics
from collector.metrics import Metrics as CollectorMetrics
from edge_node.metrics import METRICS
from telemetry.runtime.certificate import METRIC, METRIC_WORDS
from view.live.metrics import Metrics as LiveMetrics

CERTIFICATE = (METRIC, "gauge", METRIC_WORDS)
PAGE = """\
# Metrics

Made by `python -m e3p.metrics_page`, and held fresh by a test.

Each part answers `GET /metrics` in Prometheus' text format and `GET /healthz` in JSON (503 while the broker
is away, and of a collector while its store is), on `metrics_host` (loopback) at a port of its own:
`E3P_COLLECTOR_METRICS_PORT`,
`E3P_ANALYZER_METRICS_PORT`, `E3P_EDGE_METRICS_PORT` ([configuration](configuration.md)). None is set by
default. `e3p serve` answers at `serve.port` (8080) for collector and analyzer together. Counters begin at 0
when the program starts.

```sh
E3P_COLLECTOR_METRICS_PORT=9464 e3p collect
curl http://127.0.0.1:9464/metrics
```

## The equations

Nothing disappears between the counters either. At any moment that somebody looks:

- collector: `received = frames + repeats + letters + shed + queued` (`letters` and `shed` summed over their
  labels). What was shed before it was looked at is in `inbox_shed` alone.
- agent: `made = stored + spooled + lost`.

What to watch: `store_waits` that rises (the store is away or slow), `shed` and `inbox_shed` (the collector
cannot keep up; no frame is lost by that, its node sends it again), `letters` (`e3p dead list` says why),
`bad_clocks`, on nodes `spooled` that rises and `lost`, and certificates that expire soon.
"""


def page() -> str:
    """The whole page."""
    parts = [
        ("Collector", "`e3p collect`, `e3p serve`", _registered(CollectorMetrics().registry)),
        ("Analyzer", "`e3p analyze`, `e3p serve`", _registered(AnalyzerMetrics().registry)),
        ("Live page", "`e3p live`, `e3p serve`", _registered(LiveMetrics().registry)),
        ("Every part", "where `mqtt_cert` is set", iter([CERTIFICATE])),
        ("Agent", "`e3p edge`", ((each.full_name, each.kind, each.words) for each in METRICS)),
    ]
    return PAGE + "".join(_table(title, where, rows) for title, where, rows in parts)


def _registered(registry: CollectorRegistry) -> Iterator[tuple[str, str, str]]:
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, family.type, family.documentation


def _table(title: str, where: str, rows: Iterator[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {kind} | {words} |" for name, kind, words in rows]
    return "\n".join(
        ["", f"## {title}", "", where, "", "| metric | kind | what |", "|---|---|---|", *lines, ""]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
