"""`python -m tests.demo_minute`: how soon the demo of docker-compose.yml fills each panel of the dashboards.

Its programs run with their commands, variables, keys and settings, against a real Mosquitto and InfluxDB;
each panel is asked as Grafana asks, with the time range and the choices that it opens with.
"""

from __future__ import annotations

import argparse
import operator
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from grafana.catalogue import DASHBOARDS
from grafana.panels import Dashboard
from tests.grafana_rendering import ALL, View, answer, filled
from tests.servers import Influx, Influxd, find
from tests.stack import its_broker, keep_in, stacked

SERVICES = ("demo-1", "demo-2", "demo-3", "collector", "analyzer")
LOOK_S = 2.0
WITHIN_S = 60.0
UNITS_S = {"m": 60, "h": 3600, "d": 86_400}


class Shown(NamedTuple):
    """A panel of a dashboard."""

    uid: str
    title: str


@contextmanager
def demo(folder: Path) -> Iterator[Influx]:
    """The demo, which has just begun: servers that are up, and programs that start."""
    with stacked(folder) as stack, its_broker(stack), Influxd(find("influxd", "influxd"), folder) as influxd:
        keep_in(stack, influxd)
        stack.e3p(*stack.started_with("store-setup"))
        for name in SERVICES:
            stack.start(name)
        yield influxd.influx


def fill(
    influx: Influx, bucket: str, within_s: float, enough: Callable[[set[Shown]], bool] = operator.not_
) -> dict[Shown, float | None]:
    """After how many seconds each panel had something to show; None: it had nothing until then.

    `enough` says of the panels that are empty still whether they may be.
    """
    begin_s = time.monotonic()
    found: dict[Shown, float | None] = {
        Shown(each.uid, panel.title): None for each in DASHBOARDS for panel in each.panels
    }
    while time.monotonic() - begin_s < within_s and not enough(
        {each for each, at in found.items() if at is None}
    ):
        for dashboard in DASHBOARDS:
            for title in _with_something(influx, bucket, dashboard):
                shown = Shown(dashboard.uid, title)
                found[shown] = found[shown] or time.monotonic() - begin_s
        time.sleep(LOOK_S)
    return found


def _with_something(influx: Influx, bucket: str, dashboard: Dashboard) -> Iterator[str]:
    """The panels of a dashboard in which every query is answered with something."""
    now_ns = time.time_ns()
    view = View(now_ns - _length_ns(dashboard.since), now_ns)
    chosen = {"device": ALL}
    for variable in dashboard.variables:
        rows = answer(influx, bucket, filled(variable.query, view, {**chosen, "node": ALL, **chosen}))
        choices = sorted(list(row.values())[-1] for row in rows)
        if not variable.many and not choices:
            return
        chosen[variable.name] = ALL if variable.many else choices[0]
    for panel in dashboard.panels:
        if all(answer(influx, bucket, filled(query, view, chosen)) for query in panel.queries):
            yield panel.title


def _length_ns(since: str) -> int:
    number, unit = re.fullmatch(r"now-(\d+)([mhd])", since).groups()  # type: ignore[union-attr]
    return int(number) * UNITS_S[unit] * 10**9


def _table(found: dict[Shown, float | None]) -> Iterator[str]:
    empty = {Shown(each.uid, panel.title): panel.empty for each in DASHBOARDS for panel in each.panels}
    for shown, after_s in found.items():
        said = f"{after_s:5.0f} s" if after_s is not None else "      –"
        yield f"{said}  {shown.uid}: {shown.title}{'' if after_s else f' ({empty[shown]})'}"


def main() -> int:
    """0 where every panel had something."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=WITHIN_S, help="how long to look")
    seconds = words.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="e3p-demo-") as folder, demo(Path(folder)) as influx:
        found = fill(influx, "e3p", seconds)
    sys.stdout.writelines(f"{line}\n" for line in _table(found))
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
