"""Whether the parts of a program still work: each beats as it goes round; one that is silent is named."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pulse:
    """The last sign of life of each part. A part that has never beaten is not missed."""

    def __init__(self, limit_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._now_s = now_s
        self._beats: dict[str, float] = {}

    def beat(self, part: str) -> None:
        """The part works."""
        self._beats[part] = self._now_s()

    def trouble(self) -> str | None:
        """The part that was silent for longest, once that is too long; None while all is well."""
        now_s = self._now_s()
        late = [(beat_s, part) for part, beat_s in self._beats.items() if now_s - beat_s > self._limit_s]
        if not late:
            return None
        beat_s, part = min(late)
        return f"no sign of life from {part} for {now_s - beat_s:.0f} s"
