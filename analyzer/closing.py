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
    shrank_at_s: float = 0.0
    written_missing: int | None = None

    def due(self, missing: int, now_s: float) -> bool:
        """Whether to compute now, with this many frames missing.

        Complete: at once. Never written: after `PATIENCE_S`. Written with holes: when fewer are missing than
        then, and the number has stood still for `PATIENCE_S`.
        """
        if missing != self.missing:
            self.missing, self.shrank_at_s = missing, now_s
        if missing == 0:
            return self.written_missing != 0
        if self.written_missing is None:
            return now_s - self.since_s >= PATIENCE_S
        return missing < self.written_missing and now_s - self.shrank_at_s >= PATIENCE_S

    def wrote(self, missing: int) -> None:
        """A revision was computed with this many frames missing."""
        self.written_missing = missing

    @property
    def running(self) -> bool:
        """Whether the passing of time alone may make the window due."""
        return self.written_missing is None or self.missing < self.written_missing

    @property
    def over(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.written_missing == 0
