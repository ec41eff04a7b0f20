"""``python -m grafana.page > docs/dashboards.md``: what each panel shows, made from the dashboards."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from grafana.catalogue import DASHBOARDS
from grafana.panels import Dashboard

HEAD = """\
# Dashboards

Made by `python -m grafana.page`, and held fresh by a test.

Six dashboards for a [Grafana](grafana.md) on a store on [InfluxDB 2](stores.md#influxdb-2). They are code
(`grafana/dashboards/`, one file each), and as JSON they are in `grafana/provisioning/dashboards/`:

```sh
e3p grafana build      # makes the JSON; needs Python 3.11 and pip install "e3p-fleet[grafana]"
e3p grafana check      # exit code 1 where a file is stale, or a panel asks for what the store does not write
```

Each leads to all others and takes the choices and the time range with it; a node's name leads to its own
dashboard, a trial's to its trace. Power is asked for by the width of the panel, as mean with minimum and
maximum: an hour at 1 kHz are some thousand points, and no peak is lost. Intervals are columns `lo` and `hi`,
because Grafana has no error bars; the report has. Colours are Grafana's own, for light and dark; no panel is
narrower than a quarter, and on a phone they stand below each other.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(line for each in DASHBOARDS for line in _of(each))


def _of(dashboard: Dashboard) -> Iterator[str]:
    chosen = ", ".join(each.label.lower() for each in dashboard.variables)
    marked = "".join(f"; marked: {each.name.lower()}" for each in dashboard.notes)
    yield f"\n## {dashboard.title.removeprefix('e3p ')}\n\n"
    yield f"{dashboard.words}. To choose: {chosen}{marked}.\n\n"
    yield "| panel | shows | when it is empty |\n|---|---|---|\n"
    for panel in dashboard.panels:
        yield f"| {panel.title} | {panel.words} | {panel.empty} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
