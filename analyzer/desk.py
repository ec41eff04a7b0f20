"""One node's windows: which trials ended, what each still waits for, and the results they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from analyzer.assemble import trial_results
from analyzer.closing import PATIENCE_S, Wait
from analyzer.evidence import Archive, Evidence
from analyzer.meters import with_meters
from analyzer.notebook import Notebook
from analyzer.reader import Reader
from analyzer.span import Span
from analyzer.trials import Trial, spans_of
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import lost_of, shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from telemetry.contract.documents import EventRefused, MeterJoin, Result
    from telemetry.store.interface import Account, Store

LOOK_AGAIN_S = 1.0
"""How often an incomplete window is looked at while its frames come."""
LOOKS = 16
"""Windows that are computed in one go, before news is heard again."""


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


class Desk:
    """Fed with what the collector settled; `settle` computes the windows that are due and tells them."""

    def __init__(self, store: Store, node: str, meters: Sequence[MeterJoin] = ()) -> None:
        self.node = node
        self.meters = tuple(meters)
        self.notebook = Notebook(node)
        self._store = store
        self._reader = Reader(store, self.notebook)
        self._settled: dict[StreamKey, IntervalSet] = {}
        self._waits: dict[str, Wait] = {}
        self._causes: dict[str, str] = {}
        self._looks: dict[str, _Look] = {}
        self._doubts: dict[str, float] = {}

    @property
    def waiting(self) -> int:
        """How many ended windows wait for frames, or for their turn."""
        return len(self._waits)

    async def hear(self, settled: Mapping[StreamKey, IntervalSet], now_s: float) -> None:
        """Takes in what is settled; the trials that new marks and reports touch are computed (again)."""
        for key, seqs in settled.items():
            known = self._settled.get(key, IntervalSet())
            if fresh := seqs - known:
                self._settled[key] = known | fresh
                for look in self._looks.values():
                    look.hear(key, fresh)
            touched = await self._reader.read(key, self._settled.get(key, known))
            cause = "late marks" if key.stream.startswith("marks/") else "late frames"
            for name in touched:
                self._await(name, now_s, cause)

    def overhear(self, settled: Mapping[StreamKey, IntervalSet]) -> None:
        """Takes in what is settled of a meter: a window that waits for it is looked at again."""
        reports = any(not key.stream.startswith("power/") for key in settled)
        for look in self._looks.values():
            look.news |= reports and look.open  # where the window lies on the meter's clock may be new
            for key, seqs in settled.items():
                look.hear(key, seqs)

    async def look_through(self, accounts: Iterable[Account], now_s: float) -> None:
        """Takes in what the store holds: all of it, and so what was put there without a word."""
        held = list(accounts)
        if not self._settled:
            self._reader.skip({account.key: account.stored for account in held})
        await self.hear({account.key: _settled(account) for account in held}, now_s)
        for look in self._looks.values():
            for account in held:
                look.hear(account.key, account.stored)

    async def settle(self, now_s: float, teller: Teller) -> None:
        """Tells every refused event and the newest of the windows that are due."""
        await self._refuse(now_s, teller)
        looks = 0
        for name in reversed(list(self._waits)):
            if looks >= LOOKS:
                return
            if not self._worth_a_look(name, now_s):
                continue
            trial = self.notebook.trial(name)
            if trial is None or trial.end is None:
                self._forget(name)
            else:
                looks += 1
                await self._look(trial, now_s, teller)

    async def compute(self, trial: Trial) -> Computed:
        """The results of an ended trial from what is stored now."""
        spans, owed = spans_of(trial), self._owed(trial)
        archive = Archive(self._store, self.node, self._settled)
        evidence = await archive.evidence(spans, owed, _idle_span(trial))
        if trial.window is not None:
            window = trial.window
            evidence = await with_meters(self._store, self.meters, evidence, window.begin, window.end)
        marks = await self._absent_marks(trial, archive)
        results = trial_results(
            trial,
            evidence,
            overlaps=bool(self.notebook.overlapping(trial.opening.trial)),
            awaits_marks=any(marks.values()),
        )
        missing = evidence.missing + sum(map(len, marks.values()))
        unsure = frozenset(key for power in (*evidence.measured, *evidence.idle) for key in power.unsure)
        return Computed(results, missing, _absent(evidence, marks), unsure)

    def _await(self, name: str, now_s: float, cause: str) -> None:
        """A trial that changed is computed (again); one that waits already keeps its place."""
        self._doubts.setdefault(name, now_s)
        if name in self._waits and self._waits[name].written_missing is None:
            if name in self._looks:
                self._looks[name].news = True
            return
        self._forget(name)
        self._waits[name] = Wait(now_s)
        self._causes[name] = cause

    def _forget(self, name: str) -> None:
        for held in (self._waits, self._looks, self._causes):
            held.pop(name, None)

    async def _look(self, trial: Trial, now_s: float, teller: Teller) -> None:
        name = trial.opening.trial
        wait = self._waits[name]
        computed = await self.compute(trial)
        look = _Look(now_s, computed.absent, computed.unsure)
        if wait.over:
            wait = Wait(now_s)
        if wait.due(computed.missing, now_s):
            await teller.conclude(computed.results, computed.missing, self._causes[name])
            wait.wrote(computed.missing)
            self._causes[name] = "late frames"
        self._waits[name], self._looks[name] = wait, look
        if wait.over and not look.open:
            self._forget(name)

    def _worth_a_look(self, name: str, now_s: float) -> bool:
        """Whether a window may have become due since it was last looked at."""
        look, wakes_s = self._looks.get(name), self._waits[name].wakes_s
        if look is None or (look.news and not look.open):
            return True
        if look.news and now_s - look.at_s >= LOOK_AGAIN_S:
            return True
        return wakes_s is not None and now_s >= wakes_s

    def _owed(self, trial: Trial) -> dict[StreamKey, int]:
        """The last frame of each power stream that the end mark names; it speaks of its own boot."""
        assert trial.end is not None  # noqa: S101 - only ended trials come here
        named = trial.closing.power if trial.closing else {}
        boot = trial.end.key.boot
        return {
            StreamKey(self.node, boot, stream if stream.startswith("power/") else f"power/{stream}"): seq
            for stream, seq in named.items()
        }

    async def _absent_marks(self, trial: Trial, archive: Archive) -> dict[StreamKey, IntervalSet]:
        """Marks frames from begin to end that are not settled yet."""
        begin, end = trial.begin, trial.end
        assert end is not None  # noqa: S101 - only ended trials come here
        if begin.key == end.key:
            first, last = sorted((begin.seq, end.seq))
            return {begin.key: IntervalSet([(first, last)]) - self._settled.get(begin.key, IntervalSet())}
        accounts = await archive.accounts()
        absent = {end.key: IntervalSet.below(end.seq) - self._settled.get(end.key, IntervalSet())}
        for boot in trial.boots[:-1]:
            key = StreamKey(self.node, boot, begin.key.stream)
            first = begin.seq if key == begin.key else 0
            if key in accounts:
                absent[key] = _outstanding(accounts[key]).beyond(first - 1)
        return absent

    async def _refuse(self, now_s: float, teller: Teller) -> None:
        """Tells what contradicts; an end without a begin once no marks are outstanding any more."""
        complete: bool | None = None
        for name, since_s in list(self._doubts.items()):
            doubt = self.notebook.doubt(name)
            events = doubt.refused
            if doubt.orphans:
                if now_s - since_s < PATIENCE_S:
                    continue
                complete = await self._marks_are_complete() if complete is None else complete
                if not complete:
                    self._doubts[name] = now_s
                    continue
                events = events + doubt.orphans
            if events:
                await teller.refuse(events)
            del self._doubts[name]

    async def _marks_are_complete(self) -> bool:
        accounts = await self._store.accounts(self.node)
        return not any(_outstanding(a) for a in accounts if a.key.stream.startswith("marks/"))


def _settled(account: Account) -> IntervalSet:
    """The numbers that nobody waits for any more."""
    return account.stored | account.dead | lost_of(account.report.health if account.report else None)


def _outstanding(account: Account) -> IntervalSet:
    """The numbers that the node gave and that are neither here nor given up."""
    parts = shares(account.stored, account.dead, account.report.health if account.report else None)
    return parts.spooled | parts.missing


def _absent(evidence: Evidence, marks: dict[StreamKey, IntervalSet]) -> dict[StreamKey, IntervalSet]:
    """Every frame whose arrival would change the results."""
    absent = dict(marks)
    for power in (*evidence.measured, *evidence.idle):
        for key, seqs in power.absent:
            absent[key] = absent.get(key, IntervalSet()) | seqs
    return absent


def _idle_span(trial: Trial) -> Span | None:
    idle = trial.idle
    return Span(idle.boot, idle.begin, idle.end, idle.time - idle.end) if idle else None
