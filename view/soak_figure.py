"""One figure of a soak over time: windows by hour, drift with its interval, steps, episodes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak import Drift, Episode, Metric, Soak
from view.comparison import Figure

DAY_NS = 86_400 * NS_PER_S
MOST_POINTS = 3000
SHADES = {
    "throttled": "--gap",
    "frozen": "--gap",
    "late": "--grid",
    "silent": "--gap-long",
    "missing": "--gap-long",
    "rebooted": "--gap-long",
    "restarted": "--gap-long",
    "clock_step": "--gap-long",
}


class Course(NamedTuple):
    """One figure of every window that has it: times (ns), values, and whether it is compared with others."""

    metric: Metric
    at: Sequence[int]
    value: Sequence[float]
    is_compared: Sequence[bool]


def figure_of(soak: Soak, course: Course, drift: Drift | None) -> Figure:
    """The windows as dots, the drift as a line with its interval, steps as dashes, episodes as shades."""
    unit = (
        drift.level_unit if drift else {"j_per_image": "J", "latency_ms": "ms", "temp_c": "°C"}[course.metric]
    )
    own = [change for change in soak.changes if change.metric == course.metric]
    return {
        "data": [_dots(course, compared=False), _dots(course, compared=True), *_lines(soak, drift)],
        "layout": {
            "height": 300,
            "xaxis": {"type": "date", "range": [_date(soak.begin), _date(soak.end)]},
            "yaxis": {"title": {"text": unit}},
            "shapes": [
                *(_shade(soak, each) for each in soak.episodes),
                *(_upright(change.at) for change in own),
            ],
        },
    }


def _dots(course: Course, *, compared: bool) -> Figure:
    chosen = [at for at, is_compared in enumerate(course.is_compared) if is_compared == compared]
    thin = chosen[:: max(1, -(-len(chosen) // MOST_POINTS))]
    return {
        "type": "scattergl" if len(thin) > 1000 else "scatter",
        "mode": "markers",
        "x": [_date(course.at[at]) for at in thin],
        "y": [course.value[at] for at in thin],
        "marker": {"size": 3, "color": "--series-0" if compared else "--degraded", "opacity": 0.5},
        "hoverinfo": "x+y",
    }


def _lines(soak: Soak, drift: Drift | None) -> Iterator[Figure]:
    """Through the middle of the soak at its level: the drift, and both ends of its interval."""
    if drift is None:
        return
    middle = (soak.begin + soak.end) / 2
    scale = drift.level / 100 if drift.unit.startswith("%") else 1.0
    for slope, is_middle in ((drift.lo, False), (drift.hi, False), (drift.per_day, True)):
        if slope is not None:
            yield {
                "type": "scatter",
                "mode": "lines",
                "x": [_date(soak.begin), _date(soak.end)],
                "y": [drift.level + slope * scale * (at - middle) / DAY_NS for at in (soak.begin, soak.end)],
                "line": {
                    "color": "--series-1",
                    "width": 2.5 if is_middle else 1,
                    "dash": "solid" if is_middle else "dot",
                },
                "hoverinfo": "skip",
            }


def _shade(soak: Soak, episode: Episode) -> Figure:
    """At least a fiftieth of a percent of the width, so that a moment shows too."""
    end = max(episode.end, episode.begin + (soak.end - soak.begin) // 500)
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": _date(episode.begin),
        "x1": _date(end),
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
        "fillcolor": SHADES[episode.kind],
        "layer": "below",
    }


def _upright(at: int) -> Figure:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": _date(at),
        "x1": _date(at),
        "y0": 0,
        "y1": 1,
        "line": {"color": "--invalid", "dash": "dash", "width": 2},
    }


def _date(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / NS_PER_S, timezone.utc):%Y-%m-%d %H:%M:%S}"
