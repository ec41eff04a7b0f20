"""Stage 1 as a Plotly figure: every candidate's accuracy against its work, by size, and who passes. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from view.comparison import Figure
from view.numbers import in_plot

if TYPE_CHECKING:
    from analyzer.screening import Screened, Screening

MOST_PLACES = 40
LARGEST_PX = 34.0
MISSES = {"top1": "accuracy", "params": "parameters", "macs": "MACs"}


class _Look(NamedTuple):
    name: str
    colour: str
    symbol: str
    opacity: float
    ring: int = 1


def scatter(screening: Screening, measured: Collection[str]) -> Figure:
    """Top-1 against MACs (logarithmic); a point's area is its parameters, a ring marks what was measured."""
    passing, failing = screening.passing, screening.failing
    own = [row for row in screening.rows if row.model in measured]
    largest = max((row.params_m for row in screening.rows), default=1.0)
    limits = screening.thresholds
    return {
        "data": [
            _points(failing, _Look("fails", "--muted", "circle-open", 0.55), largest),
            _points(passing, _Look("passes", "--series-0", "circle", 0.75), largest),
            _points(own, _Look("measured", "--series-1", "circle-open", 1.0, ring=3), largest),
        ],
        "layout": {
            "height": 480,
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
            "annotations": _places(own),
            "shapes": [_line("x", limits.max_macs), _line("y", limits.min_top1)],
            "xaxis": {"title": {"text": "10⁹ MACs of one image (less is better)"}, "type": "log"},
            "yaxis": {"title": {"text": "published Top-1, %"}},
        },
    }


def _points(rows: Sequence[Screened], look: _Look, largest: float) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{look.name} ({len(rows)})",
        "x": [row.macs_g for row in rows],
        "y": [row.top1_percent for row in rows],
        "hovertext": [_words(row) for row in rows],
        "hoverinfo": "text",
        "marker": {
            "color": look.colour,
            "symbol": look.symbol,
            "opacity": look.opacity,
            "line": {"width": look.ring, "color": look.colour},
            "size": [max(row.params_m, 1.0) for row in rows],
            "sizemode": "area",
            "sizeref": largest / LARGEST_PX**2,
            "sizemin": 4,
        },
    }


def _words(row: Screened) -> str:
    verdict = f"passes, place {row.rank}" if row.passes else f"fails on {_missed(row)}"
    return (
        f"<b>{in_plot(row.model)}</b><br>NetScore {row.netscore:.2f}<br>{row.top1_percent:.2f} %, "
        f"{row.params_m:.1f} M parameters, {row.macs_g:.2f} G MACs<br>{verdict}"
    )


def _missed(row: Screened) -> str:
    return ", ".join(MISSES[miss.on] for miss in row.fails)


def _places(rows: Sequence[Screened]) -> list[Figure]:
    """The measured models by their place beside their points: the table below has the names."""
    if len(rows) > MOST_PLACES:
        return []
    return [
        {
            "x": math.log10(row.macs_g),
            "y": row.top1_percent,
            "text": str(row.rank) if row.rank else "fails",
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
            "yshift": -9,
            "font": {"size": 11, "color": "--series-1"},
        }
        for row in rows
    ]


def _line(axis: str, at: float) -> Figure:
    """A threshold across the whole plot."""
    other = "y" if axis == "x" else "x"
    return {
        "type": "line",
        f"{axis}0": at,
        f"{axis}1": at,
        f"{other}0": 0,
        f"{other}1": 1,
        f"{other}ref": "paper",
        "line": {"color": "--muted", "width": 1, "dash": "dash"},
    }
