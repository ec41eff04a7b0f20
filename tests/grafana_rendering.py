"""What Grafana makes of a query before the data source sees it, and of the answer."""

from __future__ import annotations

import csv
import io
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from tests.servers import Influx

Row = dict[str, str]
ALL = ".*"
EVERY_S = (0.01, 0.1, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600)


class View(NamedTuple):
    """A time range, UTC ns, and how many points a panel is wide."""

    begin: int
    end: int
    points: int = 500

    @property
    def interval(self) -> str:
        """The window period: the range divided by the points, rounded to a step that a person would take."""
        exact = (self.end - self.begin) / 1e9 / self.points
        seconds = min(EVERY_S, key=lambda step: abs(step - exact)) if exact < EVERY_S[-1] else exact
        return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1e3:g}ms"


def filled(query: str, view: View, values: Mapping[str, str | Sequence[str]]) -> str:
    """A query with its variables filled as Grafana 11 does: first the dashboard's, then the data source's."""

    def value(match: re.Match[str]) -> str:
        given = values[match["name"]]
        if given == ALL:  # the custom value of `All` is taken as it is, whatever the format
            return ALL
        if match["format"] == "regex":
            every = [given] if isinstance(given, str) else list(given)
            escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", each) for each in every]
            return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
        assert isinstance(given, str), match[0]
        return given

    flux = re.sub(r"\$\{(?P<name>\w+)(?::(?P<format>\w+))?\}", value, query)
    flux = flux.replace("v.timeRangeStart", _stamp(view.begin)).replace("v.timeRangeStop", _stamp(view.end))
    flux = flux.replace("v.windowPeriod", view.interval).replace("$__interval", view.interval)
    assert "$" not in flux.replace("$/", ""), flux
    return flux


def answer(influx: Influx, bucket: str, flux: str) -> list[Row]:
    """The rows of every table of an answer. Raises `AssertionError` with the server's words."""
    asked = flux.replace("v.defaultBucket", f'"{bucket}"')
    url = f"{influx.url}/api/v2/query?{urllib.parse.urlencode({'org': influx.org})}"
    headers = {
        "Authorization": f"Token {influx.token}",
        "Content-Type": "application/vnd.flux",
        "Accept": "application/csv",
    }
    request = urllib.request.Request(url, asked.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.read().decode()}\n{asked}") from None
    rows: list[Row] = []
    for table in re.split(r"\r?\n\r?\n", text.strip()):
        found = list(csv.DictReader(io.StringIO(table)))
        assert not found or "error" not in found[0], f"{found}\n{asked}"
        rows += [{key: cell for key, cell in row.items() if key} for row in found]
    return rows


def _stamp(at_ns: int) -> str:
    whole = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=at_ns // 10**9)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_ns % 10**9:09d}Z"
