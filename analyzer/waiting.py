"""Windows that ended, what each still waits for, and when it is worth to compute one (again)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from analyzer.closing import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry.contract.documents import EventRefused, Result
    from telemetry.contract.frames import StreamKey
    from telemetry.contract.intervals import IntervalSet

LOOK_AGAIN_S = 1.0
"""How often an incomplete window is looked at while its frames come."""
LOOKS = 16
"""Windows that are computed in one go, before news is heard again."""

N = TypeVar("N", str, int)
"""What windows are called."""


class Teller(Protocol):
    """Where conclusions go. When it returns they are kept; when it raises they are drawn again."""

    async def conclude(self, results: list[Result], missing: int, cause: str) -> None:
        """The results of one window, with this many frames missing, and what they were computed for."""

    async def refuse(self, events: list[EventRefused]) -> None:
        """Events that contradict others."""


class Computed(NamedTuple):
    """A window's results as of now. `absent` and `unsure`: what would change them when it came."""

    results: list[Result]
    missing: int
    absent: dict[StreamKey, IntervalSet]
    unsure: frozenset[StreamKey]


@dataclass
class _Look:
    """The last time that a window was computed, and whether news of it came since."""

    at_s: float
    absent: dict[StreamKey, IntervalSet]
    unsure: frozenset[StreamKey]
    news: bool = False

    def hear(self, key: StreamKey, seqs: IntervalSet) -> None:
        held = self.absent.get(key)
        if held is not None and held & seqs:
            self.absent[key] = held - seqs
            self.news = True
        elif any(key[::2] == unsure[::2] or key.stream.startswith("health/") for unsure in self.unsure):
            self.news = True

    @property
    def open(self) -> bool:
        return bool(self.unsure) or any(self.absent.values())


class Waiting(Generic[N]):
    """The windows of one node that are to be computed, by name; the newest come first."""

    def __init__(self) -> None:
        self._waits: dict[N, Wait] = {}
        self._causes: dict[N, str] = {}
        self._looks: dict[N, _Look] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def __contains__(self, name: N) -> bool:
        return name in self._waits

    def expect(self, name: N, now_s: float, cause: str) -> None:
        """A window that changed is computed (again); one that waits already keeps its place."""
        if name in self._waits and self._waits[name].written_missing is None:
            if name in self._looks:
                self._looks[name].news = True
            return
        self.forget(name)
        self._waits[name] = Wait(now_s)
        self._causes[name] = cause

    def forget(self, name: N) -> None:
        """Waits for it no more."""
        for held in (self._waits, self._looks, self._causes):
            held.pop(name, None)

    def hear(self, key: StreamKey, seqs: IntervalSet) -> None:
        """Frames are settled."""
        for look in self._looks.values():
            look.hear(key, seqs)

    def overhear(self, settled: Mapping[StreamKey, IntervalSet]) -> None:
        """Frames of a meter are settled; where the window lies on the meter's clock may be new with them."""
        reports = any(not key.stream.startswith("power/") for key in settled)
        for look in self._looks.values():
            look.news |= reports and look.open
            for key, seqs in settled.items():
                look.hear(key, seqs)

    def worth_a_look(self, now_s: float) -> Iterator[N]:
        """Those that may have become due since they were last looked at."""
        return (name for name in reversed(list(self._waits)) if self._is_worth_it(name, now_s))

    def written(self) -> list[N]:
        """Those of which a revision with holes is written, the first first."""
        return [name for name, wait in self._waits.items() if wait.written_missing is not None]

    async def take(self, name: N, computed: Computed, now_s: float, teller: Teller) -> None:
        """Tells a window's results when they are due; one that is complete is waited for no more."""
        wait = self._waits[name]
        look = _Look(now_s, computed.absent, computed.unsure)
        if wait.over:
            wait = Wait(now_s)
        if wait.due(computed.missing, now_s):
            await teller.conclude(computed.results, computed.missing, self._causes[name])
            wait.wrote(computed.missing)
            self._causes[name] = "late frames"
        self._waits[name], self._looks[name] = wait, look
        if wait.over and not look.open:
            self.forget(name)

    def _is_worth_it(self, name: N, now_s: float) -> bool:
        look, wakes_s = self._looks.get(name), self._waits[name].wakes_s
        if look is None or (look.news and not look.open):
            return True
        if look.news and now_s - look.at_s >= LOOK_AGAIN_S:
            return True
        return wakes_s is not None and now_s >= wakes_s
