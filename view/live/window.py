"""A stretch of power as the page's picture takes it, and its energy as HTML. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from view.live.paper import fill
from view.live.words import selection

if TYPE_CHECKING:
    from view.live.questions import Asked, Told


def answered(told: Told, asked: Asked) -> dict[str, Any]:
    """Seconds count from the begin of what was asked for; `html` has the energy of every stream."""
    shown = told.picture
    rows = [(result.source, selection(result)) for result in told.results]
    said: dict[str, Any] = {"html": fill("_selection", rows=rows), "lines": [], "begin": str(asked.begin)}
    if shown is None:
        return said
    return said | {
        "lines": [{"name": line.name, "t": line.at_s, "w": line.watts} for line in shown.lines],
        "batches": shown.batches,
        "gaps": shown.gaps,
        "long": shown.long_gaps,
        "samples": shown.samples,
    }
