"""What one open page is sent of a stream, twelve times a second: only what it has not seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S
from view.live.buckets import BUCKET_NS, step_for

if TYPE_CHECKING:
    from view.live.hub import Stream

LONGEST_S = 120
MOST_PIXELS = 2_000
BROKEN_TICKS = 5
"""A line is broken where nothing was read for so many ticks."""


@dataclass
class Viewer:
    """How one page looks at one stream: so many seconds over so many pixels."""

    window_s: int
    pixels: int
    _shown: Stream | None = None
    _next: int = 0
    _rewritten: int = -1

    def update(self, stream: Stream, now_ns: int) -> dict[str, Any] | None:
        """The columns since the last update; all of the window where the page has none, or an old picture.

        Times are ms of node time from `base`; None while the stream has brought nothing.
        """
        edge = stream.playout.edge_ns(now_ns)
        if edge is None:
            return None
        step = step_for(self.window_s * NS_PER_S, self.pixels)
        stop = min(edge // BUCKET_NS, stream.ring.newest + 1) // step * step
        first = (edge - self.window_s * NS_PER_S) // BUCKET_NS
        fresh = stream is not self._shown or self._rewritten != stream.rewritten or self._next < first
        start = first if fresh else self._next
        shown = stream.ring.read(start, stop, step)
        self._shown, self._next, self._rewritten = stream, max(stop, start), stream.rewritten
        base = edge // NS_PER_S * NS_PER_S
        said = {
            "base": base // NS_PER_MS,
            "edge": (edge - base) // NS_PER_MS,
            "t": ((shown.at_ns - base) // NS_PER_MS).tolist(),
            "low": _rounded(shown.low_w),
            "high": _rounded(shown.high_w),
            "mean": None if stream.mean_w is None else round(stream.mean_w, 4),
            "late": round((now_ns - stream.heard_ns) / NS_PER_S, 1),
        }
        if fresh:
            broken_ms = max(BROKEN_TICKS * stream.tick_ns, 3 * step * BUCKET_NS) // NS_PER_MS
            said |= {"fresh": True, "broken": broken_ms, "window": self.window_s * 1000}
            said |= {"channels": stream.channels, "total": stream.total}
        return said


def _rounded(watts: np.ndarray[Any, np.dtype[np.float32]]) -> list[list[float | None]]:
    """To five digits: as much as a screen shows, and a third of the bytes."""
    return [[float(f"{w:.5g}") if w == w else None for w in row] for row in watts.tolist()]  # noqa: PLR0124
