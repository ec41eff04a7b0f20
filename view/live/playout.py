"""When to show what: readings come a frame at a time, and are shown as evenly as they were taken. Pure.

As with sound over a network, what is shown lags behind the newest reading by as long as the next one has
been waited for lately, so that there is always something to show.
"""

from __future__ import annotations

from collections import deque

from telemetry.contract.nodetime import NS_PER_S

REMEMBERED = 40
MOST_LAG_NS = 3 * NS_PER_S // 2
"""A silence does not make the page lag behind for long after it."""


class Playout:
    """The moment (node time ns) up to which a stream is shown; `now_ns` is any clock of ours that rises."""

    def __init__(self) -> None:
        self.newest_ns: int | None = None
        self._fresh: deque[int] = deque(maxlen=REMEMBERED)
        self._stale: deque[int] = deque(maxlen=REMEMBERED)

    def heard(self, end_ns: int, now_ns: int) -> None:
        """A frame came whose last reading is of `end_ns`; one of earlier times tells nothing."""
        if self.newest_ns is not None:
            if end_ns <= self.newest_ns:
                return
            self._stale.append(now_ns - self.newest_ns)
        self._fresh.append(now_ns - end_ns)
        self.newest_ns = end_ns

    def edge_ns(self, now_ns: int) -> int | None:
        """Up to where it is shown at `now_ns`; None before the first frame.

        It goes on while nothing comes, so that a silence is seen.
        """
        if not self._fresh:
            return None
        offset = min(self._fresh)
        lag = max(self._stale, default=offset) - offset
        return now_ns - offset - min(lag, MOST_LAG_NS)
