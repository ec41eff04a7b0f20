"""Whether the parts of a program still work: each gives signs of life, and one that is silent is named."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pulse:
    """The last sign of life of each part. A part that has given none yet, or rests, is not missed.

    `begun` is set by the first of all.
    """

    def __init__(self, limit_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._now_s = now_s
        self._beats: dict[tuple[str, int], float] = {}
        self._works = itertools.count(1)
        self.begun = asyncio.Event()

    def beat(self, part: str) -> None:
        """The part works; from now on it is expected to go on doing so."""
        self._beat((part, 0))

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """What the part does in this block has to end in time; without one it rests."""
        work = (part, next(self._works))
        self._beat(work)
        try:
            yield
        finally:
            del self._beats[work]

    def trouble(self) -> str | None:
        """The part that was silent for longest, once that is too long; None while all is well."""
        now_s = self._now_s()
        late = [(beat_s, part) for (part, _), beat_s in self._beats.items() if now_s - beat_s > self._limit_s]
        if not late:
            return None
        beat_s, part = min(late)
        return f"{part}: no sign of life for {now_s - beat_s:.0f} s"

    def _beat(self, what: tuple[str, int]) -> None:
        self._beats[what] = self._now_s()
        self.begun.set()
