"""Keeps the verdicts of soaks up to date in the store while they run: whoever looks sees how they stand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzer.reader import Ear
from analyzer.soak.assess import assess
from analyzer.soak.marked import Marked, Said, said_in, soaks_of
from analyzer.soak.records import gather_soak, keep
from telemetry.contract.frames import Frame, MarksFrame, StreamKey
from telemetry.contract.nodetime import NS_PER_S
from telemetry.runtime import logs

if TYPE_CHECKING:
    from telemetry.store.interface import Store

EVERY_S = 60.0
SOON_S = 5.0
"""A soak that began is looked at so soon: whoever started it sees that it runs."""
SHARE = 0.02
"""Of its time the analyzer gives at most this to the soaks: a long one is looked at less often."""
AFTER_NS = 3600 * NS_PER_S
"""A soak is looked at so long after its end: what was spooled meanwhile still comes."""

log = logs.get("analyzer")


class Keeper:
    """Hears the marks of soaks; `step` judges those that run, or ended not long ago."""

    def __init__(self, store: Store, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock_s = clock_s
        self._said: dict[tuple[str, str, int, int], Said] = {}
        self._next_s = float("-inf")

    def beside(self, other: Ear) -> Ear:
        """An ear for two: the other one hears everything too."""

        def hear(key: StreamKey, frame: Frame, now_s: float) -> None:
            other(key, frame, now_s)
            if isinstance(frame, MarksFrame):
                for said in said_in(key, (frame,)):
                    self._take(said)

        return hear

    def _take(self, said: Said) -> None:
        place = (said.node, said.boot, said.t, said.starts)
        if place not in self._said:
            self._next_s = min(self._next_s, self._clock_s() + SOON_S)
        self._said[place] = said

    async def step(self, now_ns: int) -> None:
        """Judges what is due; `now_ns` is UTC. Raises `StoreUnavailable`."""
        begun_s = self._clock_s()
        if begun_s < self._next_s:
            return
        for marked in soaks_of(self._said.values()):
            if _is_near(marked, now_ns):
                soak = assess(await gather_soak(self._store, marked, now_ns))
                if await keep(self._store, soak):
                    log.info("soak", soak=soak.soak, node=soak.node, verdict=soak.verdict)
        took_s = self._clock_s() - begun_s
        self._next_s = begun_s + max(EVERY_S, took_s / SHARE)


def _is_near(marked: Marked, now_ns: int) -> bool:
    """Whether it runs, or ended not long ago, by the node's own time."""
    last = marked.said[-1]
    return now_ns < last.time + round(last.mark.left_s * NS_PER_S) + AFTER_NS
