"""One node's windows: which trials ended, what each still waits for, and the results they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.assemble import trial_results
from analyzer.bookmarks import Bookmarks
from analyzer.closing import PATIENCE_S
from analyzer.evidence import Archive, Evidence
from analyzer.meters import with_meters
from analyzer.notebook import Notebook
from analyzer.reader import Ear, Reader
from analyzer.shift import Shift
from analyzer.trials import Trial, spans_of
from analyzer.waiting import LOOKS, Computed, Teller, Waiting
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import lost_of, shares
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from telemetry.contract.documents import MeterJoin
    from telemetry.store.interface import Account, Store


MINUTE_NS = 60 * NS_PER_S


class Desk:
    """Fed with what the collector settled; `settle` computes the windows that are due and tells them."""

    def __init__(
        self,
        store: Store,
        node: str,
        meters: Sequence[MeterJoin] = (),
        *,
        minute_ns: int = MINUTE_NS,
        ear: Ear = lambda _key, _frame, _now_s: None,
    ) -> None:
        self.node = node
        self.meters = tuple(meters)
        self.notebook = Notebook(node)
        self._store = store
        self._settled: dict[StreamKey, IntervalSet] = {}
        self.shift = Shift(store, self.notebook, self._settled, minute_ns)
        self._reader = Reader(store, self.notebook, self.shift.minutes, ear)
        self._bookmarks = Bookmarks(store, node)
        self._waiting: Waiting[str] = Waiting()
        self._doubts: dict[str, float] = {}

    @property
    def waiting(self) -> int:
        """How many ended windows wait for frames, or for their turn."""
        return len(self._waiting) + self.shift.waiting

    async def hear(self, settled: Mapping[StreamKey, IntervalSet], now_s: float) -> None:
        """Takes in what is settled; the trials that new marks and reports touch are computed (again)."""
        for key, seqs in settled.items():
            known = self._settled.get(key, IntervalSet())
            if fresh := seqs - known:
                self._settled[key] = known | fresh
                self._waiting.hear(key, fresh)
                self.shift.hear(key, fresh)
            touched = await self._reader.read(key, self._settled.get(key, known), now_s)
            cause = "late marks" if key.stream.startswith("marks/") else "late frames"
            for name in touched:
                self._doubts.setdefault(name, now_s)
                self._waiting.expect(name, now_s, cause)

    def overhear(self, settled: Mapping[StreamKey, IntervalSet]) -> None:
        """Takes in what is settled of a meter: a window that waits for it is looked at again."""
        self._waiting.overhear(settled)
        self.shift.overhear(settled)

    async def resume(self) -> None:
        """Leaves out the work that an earlier run was done with."""
        self._reader.skip_work(await self._bookmarks.read())

    async def remember(self, now_ns: int) -> None:
        """Stores which work is done with."""
        await self._bookmarks.write(self.shift.minutes.done(), now_ns)

    async def look_through(self, accounts: Iterable[Account], now_s: float) -> None:
        """Takes in what the store holds: all of it, and so what was put there without a word."""
        held = list(accounts)
        if not self._settled:
            self._reader.skip(held)
        await self.hear({account.key: _settled(account) for account in held}, now_s)
        for account in held:
            self._waiting.hear(account.key, account.stored)
            self.shift.hear(account.key, account.stored)

    async def settle(self, now_s: float, teller: Teller) -> None:
        """Tells every refused event and the newest of the windows that are due."""
        await self._refuse(now_s, teller)
        await self.shift.settle(now_s, teller, self.meters)
        looks = 0
        for name in self._waiting.worth_a_look(now_s):
            trial = self.notebook.trial(name)
            if trial is None or trial.end is None:
                self._waiting.forget(name)
                continue
            await self._waiting.take(name, await self.compute(trial), now_s, teller)
            looks += 1
            if looks >= LOOKS:
                return

    async def compute(self, trial: Trial) -> Computed:
        """The results of an ended trial from what is stored now."""
        spans, owed = spans_of(trial), self._owed(trial)
        archive = Archive(self._store, self.node, self._settled)
        evidence = await archive.evidence(spans, owed, [rest.span for rest in trial.rests])
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
        unsure = frozenset(key for power in evidence.watched for key in power.unsure)
        return Computed(results, missing, _absent(evidence, marks), unsure)

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
    for power in evidence.watched:
        for key, seqs in power.absent:
            absent[key] = absent.get(key, IntervalSet()) | seqs
    return absent
