"""When a window is closed: complete, or waited for long enough (docs/contract.md, "When a window is closed").

Pure: the caller passes the time in.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE_S = 10.0


@dataclass
class Wait:
    """What is known of one ended window: since when, how much is missing, and what has been written of it."""

    since_s: float
    missing: int = 0
    changed_at_s: float = 0.0
    written_missing: int | None = None

    def due(self, missing: int, now_s: float) -> bool:
        """Whether to compute now, with this many frames missing.

        Complete: at once. Never written: after `PATIENCE_S`. Written with holes: when fewer are missing than
        then, and the number has stood still for `PATIENCE_S`.
        """
        if missing != self.missing:
            self.missing, self.changed_at_s = missing, now_s
        if missing == 0:
            return self.written_missing != 0
        wakes_s = self.wakes_s
        return wakes_s is not None and now_s >= wakes_s

    def wrote(self, missing: int) -> None:
        """A revision was computed with this many frames missing."""
        self.missing = self.written_missing = missing

    @property
    def wakes_s(self) -> float | None:
        """When the passing of time alone makes the window due; None: only news can."""
        if self.written_missing is None:
            return self.since_s + PATIENCE_S
        if 0 < self.missing < self.written_missing:
            return self.changed_at_s + PATIENCE_S
        return None

    @property
    def over(self) -> bool:
        """Whether the window was written complete."""
        return self.written_missing == 0
