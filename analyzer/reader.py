"""Reads the small frames that say what a window is of: marks, manifests, health and clock reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzer.evidence import CLOCK_REACH_NS, HEALTH_REACH_NS
from telemetry.contract.frames import ClockFrame, Frame, HealthFrame, ManifestFrame, MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzer.minutes import Minutes
    from analyzer.notebook import Notebook
    from telemetry.store.interface import Account, Store

KINDS = ("marks", "manifest", "health", "clock")
_REPORTS = ("health", "clock")
AT_ONCE = 2_000
"""Frames that are read in one go: weeks of marks are more than memory should hold."""

Ear = Callable[[StreamKey, Frame, float], None]
"""Who else hears of a frame, and when it was read (s)."""


class Reader:
    """Reads each frame once, writes it into the notebook and tells it to the minutes of work, and the ear."""

    def __init__(self, store: Store, notebook: Notebook, minutes: Minutes, ear: Ear) -> None:
        self._store = store
        self._notebook = notebook
        self._minutes = minutes
        self._ear = ear
        self._touched: set[str] = set()
        self._read: dict[StreamKey, IntervalSet] = {}
        self._reported: set[tuple[str, str]] = set()

    def skip(self, held: Iterable[Account]) -> None:
        """Takes reports as read: no window was computed yet that could lack them."""
        for account in held:
            if _kind(account.key) in _REPORTS:
                self._read[account.key] = account.stored
            if account.report is not None:
                self._reported.add((account.key.boot, account.key.stream))

    def skip_work(self, done: Mapping[StreamKey, IntervalSet]) -> None:
        """Takes marks as read that an earlier run was done with: they tell of nothing but minutes of work."""
        self._minutes.skip(done)
        self._read.update(done)

    async def read(self, key: StreamKey, settled: IntervalSet, now_s: float) -> set[str]:
        """Reads what is settled and was not read before. The ids of the trials that it touches."""
        if _kind(key) not in KINDS:
            return set()
        for part in parts_of(settled - self._read.get(key, IntervalSet())):
            frames = [frame for _, frame in await self._store.frames(key, part)]
            for frame in frames:
                self._minutes.note(key, frame, now_s)
                self._ear(key, frame, now_s)
                self._touched |= self._take(key, frame)
            self._minutes.read(key, (frame for frame in frames if isinstance(frame, MarksFrame)))
            read = IntervalSet.of(frame.seq for frame in frames)
            self._read[key] = self._read.get(key, IntervalSet()) | read
        touched, self._touched = self._touched, set()
        return touched

    def _take(self, key: StreamKey, frame: Frame) -> set[str]:
        if isinstance(frame, MarksFrame):
            return self._notebook.add(key, frame)
        if isinstance(frame, ManifestFrame):
            return self._notebook.know(key.boot, frame)
        if isinstance(frame, HealthFrame):
            return self._near(frame.anchor + frame.t0, HEALTH_REACH_NS) | self._newly_reported(frame)
        if isinstance(frame, ClockFrame) and frame.exchanges:
            last = max(exchange.t4 for exchange in frame.exchanges)
            return self._near(frame.anchor + last, CLOCK_REACH_NS)
        return set()

    def _newly_reported(self, frame: HealthFrame) -> set[str]:
        """The trials of boots of which a power stream is reported for the first time: they may lack that."""
        said = {(each.boot, each.stream) for each in frame.streams if each.stream.startswith("power/")}
        boots = {boot for boot, _ in said - self._reported}
        self._reported |= said
        return {name for boot in boots for name in self._notebook.of_boot(boot)}

    def _near(self, time: int, reach_ns: int) -> set[str]:
        """The trials that a report of this moment (node time ns) may speak for."""
        return set(self._notebook.around(time, time + reach_ns))


def parts_of(seqs: IntervalSet) -> Iterator[IntervalSet]:
    """Numbers in pieces of at most `AT_ONCE`."""
    for first, last in seqs.ranges:
        for begin in range(first, last + 1, AT_ONCE):
            yield IntervalSet([(begin, min(begin + AT_ONCE - 1, last))])


def _kind(key: StreamKey) -> str:
    return key.stream.partition("/")[0]
