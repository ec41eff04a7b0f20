"""Models side by side as Plotly figures: accuracy against energy, and repeated trials.

Figures are plain dictionaries. Colours are names of the style sheet's variables (`--…`): the page puts in
their values, so that a plot follows light, dark and print like everything else. Pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking, RankingRow
from view.answer import labels
from view.numbers import in_plot, with_u95

Figure = dict[str, Any]

MOST_NAMES = 16
SERIES = tuple(f"--series-{at}" for at in range(8))
LOG_FROM = 20.0
NEAR = 0.12


def pareto(ranking: Ranking, results: Sequence[Result]) -> Figure:
    """Accuracy against energy for 1,000 images, each row by its rank, with 95 % bars and the front."""
    rows = ranking.rows
    energies = [row.energy for row in rows]
    wide = min(energies) > 0 and max(energies) / min(energies) > LOG_FROM
    return {
        "data": [_front(ranking), _points(ranking, results)],
        "layout": {
            "height": 440,
            "annotations": _names(ranking, log=wide) if len(rows) <= MOST_NAMES else [],
            "xaxis": {
                "title": {"text": f"energy, {ranking.unit} for 1,000 images (less is better)"},
                **({"type": "log"} if wide else {"rangemode": "tozero"}),
            },
            "yaxis": {"title": {"text": "Top-1, %"}},
        },
    }


def _front(ranking: Ranking) -> Figure:
    rows = [ranking.rows[rank - 1] for rank in front_of(ranking)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [row.energy for row in rows],
        "y": [100 * row.accuracy for row in rows],
        "line": {"color": "--muted", "dash": "dot", "shape": "hv", "width": 2},
        "hoverinfo": "skip",
    }


def _points(ranking: Ranking, results: Sequence[Result]) -> Figure:
    rows, names = ranking.rows, labels(ranking.rows)
    bars = [_accuracy_bar(ranking, at, results) for at in range(len(rows))]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [row.energy for row in rows],
        "y": [100 * row.accuracy for row in rows],
        "text": [str(row.rank) for row in rows],
        "hovertext": [
            f"<b>{row.rank}. {in_plot(name)}</b><br>{100 * row.accuracy:.2f} % ({row.accuracy_origin})<br>"
            f"{with_u95(row.energy, row.energy_u95)} {ranking.unit} for 1,000 images"
            for name, row in zip(names, rows, strict=True)
        ],
        "hoverinfo": "text",
        "textfont": {"color": "--on-accent", "size": 12},
        "marker": {"size": 24, "color": [_group_colour(row.tie_group) for row in rows], "opacity": 1},
        "error_x": _bars([row.energy_u95 for row in rows], _low_bars(rows)),
        "error_y": _bars([bar[1] for bar in bars], [bar[0] for bar in bars]),
        "cliponaxis": False,
    }


def front_of(ranking: Ranking) -> list[int]:
    """The ranks that no other row beats in accuracy and in energy, by rising energy."""
    ranks = set(ranking.pareto)
    best = -math.inf
    front = []
    for row in sorted(ranking.rows, key=lambda row: (row.energy, -row.accuracy)):
        if row.rank in ranks or (not ranks and row.accuracy > best):
            front.append(row.rank)
        best = max(best, row.accuracy)
    return front


def repeats(results: Sequence[Result]) -> Figure | None:
    """Energy for 1,000 images of each trial, a line of dots for each model; bars are comparable 95 %."""
    models: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if result.model and result.j_per_1000 is not None:
            models[result.model].append(result)
    if not models:
        return None
    order = sorted(models, key=lambda model: -_mean(models[model]))
    titles = [
        {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": place + 0.36,
            "text": in_plot(model),
            "showarrow": False,
        }
        for place, model in enumerate(order)
    ]
    return {
        "data": [_dots([models[model] for model in order])],
        "layout": {
            "height": 110 + 62 * len(order),
            "annotations": titles,
            "xaxis": {"title": {"text": "J for 1,000 images"}, "rangemode": "tozero"},
            "yaxis": {"visible": False, "range": [-0.45, len(order) - 0.3]},
        },
    }


def _dots(lines: Sequence[Sequence[Result]]) -> Figure:
    """A dot for each trial, at the height of its model's line."""
    spots = [(place + _step(trials, one), one) for place, trials in enumerate(lines) for one in trials]
    u95 = [_per_1000(result) for _, result in spots]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [result.j_per_1000 for _, result in spots],
        "y": [height for height, _ in spots],
        "hovertext": [
            f"<b>{in_plot(r.model or '')}</b>, trial {r.index}<br>{r.state}<br>"
            f"{with_u95(r.j_per_1000 or 0, u)} J for 1,000 images"
            for (_, r), u in zip(spots, u95, strict=True)
        ],
        "hoverinfo": "text",
        "marker": {"size": 10, "color": [_state_colour(result) for _, result in spots]},
        "error_x": _bars(u95, u95),
        "cliponaxis": False,
    }


def _names(ranking: Ranking, *, log: bool) -> list[Figure]:
    """Models beside their points; the page leaves them out where it is narrow.

    A name stands above its point, or below where another point lies a little higher.
    """
    rows = ranking.rows
    near = NEAR * (max(row.accuracy for row in rows) - min(row.accuracy for row in rows))
    crowded = [any(0 < other.accuracy - row.accuracy < near for other in rows) for row in rows]
    return [
        {
            "name": "narrow-hides",
            "x": math.log10(row.energy) if log else row.energy,
            "y": 100 * row.accuracy,
            "text": in_plot(name),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 10,
            "yshift": -20 if below else 20,
        }
        for row, name, below in zip(rows, labels(rows), crowded, strict=True)
    ]


def _bars(high: Sequence[float], low: Sequence[float]) -> Figure:
    return {
        "type": "data",
        "array": list(high),
        "arrayminus": list(low),
        "color": "--bar",
        "thickness": 1.5,
        "width": 4,
    }


def _low_bars(rows: Sequence[RankingRow]) -> list[float]:
    """An energy is never below zero, however wide its interval is."""
    return [min(row.energy_u95, row.energy) for row in rows]


def _accuracy_bar(ranking: Ranking, at: int, results: Sequence[Result]) -> tuple[float, float]:
    """How far the 95 % interval of a row's accuracy reaches down and up, percentage points."""
    row = ranking.rows[at]
    known = [
        result
        for result in results
        if (result.model, result.precision, result.batch_size) == (row.model, row.precision, row.batch_size)
        and result.accuracy is not None
        and result.accuracy_origin == row.accuracy_origin
    ]
    widest = max(known, key=lambda result: result.accuracy_n or 0, default=None)
    if widest is None or widest.accuracy is None or widest.accuracy_lo is None or widest.accuracy_hi is None:
        return 0.0, 0.0
    return 100 * (widest.accuracy - widest.accuracy_lo), 100 * (widest.accuracy_hi - widest.accuracy)


def _per_1000(result: Result) -> float:
    """The comparable 95 % uncertainty, as joules for 1,000 images."""
    return 1000 * (result.energy_u95_comparable_j or 0.0) / (result.images or 1)


def _mean(results: Sequence[Result]) -> float:
    return sum(result.j_per_1000 or 0.0 for result in results) / len(results)


def _step(results: Sequence[Result], result: Result) -> float:
    """Trials of one model lie a little apart."""
    return 0.12 * (len(results) - 1) / 2 * -1 + 0.12 * results.index(result) if len(results) < 6 else 0.0


def _group_colour(tie_group: int) -> str:
    return SERIES[(tie_group - 1) % len(SERIES)]


def _state_colour(result: Result) -> str:
    return {"valid": "--series-0", "degraded": "--degraded"}.get(result.state, "--invalid")
