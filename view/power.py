"""Power over time as a Plotly figure: a window, its batches and gaps, and the rest before it.

Figures are plain dictionaries. Colours are names of the style sheet's variables (`--…`): the page puts in
their values, so that a plot follows light, dark and print like everything else. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from view.numbers import in_plot, number
from view.trace import Line, Picture, Stretch

Figure = dict[str, Any]

MOST_GAPS = 200
SERIES = tuple(f"--series-{at}" for at in range(8))
RAILS = len(SERIES)


def power(picture: Picture, rest: Picture | None, idle_w: float | None) -> Figure:
    """Power over time: the rest before at the left, then the window with its batches, gaps and edges."""
    left = 0.16 if rest else 0.0
    margin = 0.04 * picture.window_s
    lines = [_line(line, at, "x") for at, line in enumerate(picture.lines[:RAILS])]
    if rest:
        lines += [_line(line, at, "x2", legend=False) for at, line in enumerate(rest.lines[:1])]
    lines += [_batch_strip(picture.batches)] if picture.batches else []
    layout: Figure = {
        "height": 300 if len(picture.lines) == 1 else 330,
        "margin": {"l": 56, "r": 14, "t": 26 if len(picture.lines) == 1 else 56, "b": 46},
        "showlegend": len(picture.lines) > 1,
        "legend": {"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": left},
        "xaxis": {
            "domain": [left, 1],
            "range": [-margin, picture.window_s + margin],
            "title": {"text": "seconds after the window's begin"},
            "anchor": "free",
            "position": 0,
        },
        "yaxis": {
            "title": {"text": "power, W"},
            "domain": [0.13, 1],
            "anchor": "free",
            "position": 0,
            "range": _range(picture, rest),
        },
        "yaxis2": {"domain": [0, 0.07], "visible": False, "fixedrange": True, "range": [0, 1]},
        "shapes": [*_window_edges(picture), *_gap_bands(picture), *_idle_line(idle_w)],
        "annotations": [*_notes(picture, left, rest, idle_w)],
    }
    if rest:
        layout["xaxis2"] = {
            "domain": [0, left - 0.02],
            "range": [0, rest.window_s],
            "nticks": 2,
            "anchor": "free",
            "position": 0,
            "showgrid": False,
        }
    return {"data": lines, "layout": layout}


def _range(picture: Picture, rest: Picture | None) -> list[float]:
    """From 0 W, or from below where a sensor said so, to a little above the highest reading."""
    lines = [*picture.lines, *(rest.lines[:1] if rest else ())]
    watts = [value for line in lines for value in line.watts if value is not None]
    return [1.08 * min([0.0, *watts]), 1.08 * max([0.0, *watts]) or 1.0]


def _line(line: Line, at: int, axis: str, *, legend: bool = True) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": in_plot(line.name),
        "x": line.at_s,
        "y": line.watts,
        "xaxis": axis,
        "connectgaps": False,
        "showlegend": legend,
        "line": {"color": SERIES[at], "width": 1.6 if at == 0 else 1},
        "hovertemplate": "%{y:.4g} W at %{x:.3f} s<extra>" + in_plot(line.name) + "</extra>",
    }


def _batch_strip(batches: Sequence[Stretch]) -> Figure:
    """Batches as strokes below the curve, broken between two."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "batches",
        "x": [x for batch in batches for x in (batch.begin_s, batch.end_s, None)],
        "y": [y for _ in batches for y in (0.5, 0.5, None)],
        "yaxis": "y2",
        "showlegend": False,
        "line": {"color": "--batch", "width": 7},
        "hovertemplate": "a batch, %{x:.3f} s<extra></extra>",
    }


def _window_edges(picture: Picture) -> Iterable[Figure]:
    for at_s in (0.0, picture.window_s):
        yield {
            "type": "line",
            "x0": at_s,
            "x1": at_s,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": "--ink", "width": 1.5, "dash": "dash"},
        }


def _gap_bands(picture: Picture) -> Iterable[Figure]:
    kinds = [(gap, "--gap-long") for gap in picture.long_gaps] + [(gap, "--gap") for gap in picture.gaps]
    for gap, colour in kinds[:MOST_GAPS]:
        yield {
            "type": "rect",
            "x0": gap.begin_s,
            "x1": gap.end_s,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "fillcolor": colour,
            "line": {"width": 0},
            "layer": "below",
        }


def _idle_line(idle_w: float | None) -> Iterable[Figure]:
    if idle_w is not None:
        yield {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": idle_w,
            "y1": idle_w,
            "line": {"color": "--idle", "width": 1.5, "dash": "dot"},
        }


def _notes(picture: Picture, left: float, rest: Picture | None, idle_w: float | None) -> Iterable[Figure]:
    for at_s, words, anchor in ((0.0, "begin", "center"), (picture.window_s, "end", "center")):
        yield {
            "x": at_s,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "text": words,
            "xanchor": anchor,
            "showarrow": False,
        }
    if idle_w is not None:
        yield {
            "x": picture.window_s,
            "xanchor": "right",
            "xshift": -6,
            "y": idle_w,
            "yanchor": "bottom",
            "text": f"idle {number(idle_w, 3)} W",
            "font": {"color": "--idle"},
            "bgcolor": "--card",
            "borderpad": 1,
            "showarrow": False,
        }
    if rest:
        yield {
            "x": left / 2 - 0.01,
            "xref": "paper",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "text": "rest",
            "xanchor": "center",
            "showarrow": False,
        }
