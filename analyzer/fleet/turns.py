"""The windows of one job in the order of their time, whatever the order in which they come. Pure.

A node that was away sends its newest frames first (docs/contract.md). Taken as it comes, what is normal
would be learned the wrong way round. So a window that does not follow the one before waits, with all that
come meanwhile, until nothing out of order came for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from telemetry.contract.documents import Result

QUIET = 2
"""For how many of their own lengths nothing may come out of order."""
PATIENCE = 30
"""After so many of their lengths they go on, whatever may still come: a finding of today is worth more."""
MOST_WAITING = 20_000


class Turns:
    """`last` is the end (node time ns) of the last window that went on.

    `late` counts those that came when it was gone.
    """

    def __init__(self, last: int) -> None:
        self.late = 0
        self._last = self._newest = last
        self._waiting: dict[int, Result] = {}
        self._quiet_s = self._until_s = float("-inf")

    def put(self, window: Result, now_s: float) -> None:
        """A window, or its next revision."""
        if window.end <= self._last:
            self.late += window.revision <= 1
            return
        length_s = (window.end - window.begin) / NS_PER_S
        if not self._waiting:
            self._until_s = now_s + PATIENCE * length_s
        if window.begin != self._newest:
            self._quiet_s = now_s + QUIET * length_s
        self._newest = max(self._newest, window.end)
        self._waiting[window.begin] = window

    def due(self, now_s: float) -> list[Result]:
        """Those whose turn it is, by time."""
        if now_s < min(self._quiet_s, self._until_s) and len(self._waiting) < MOST_WAITING:
            return []
        due = [self._waiting[begin] for begin in sorted(self._waiting)]
        self._waiting.clear()
        self._last = max([self._last, *(window.end for window in due)])
        return due
