"""One node's windows: which trials ended, what each still waits for, and the results they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.assemble import trial_results
from analyzer.closing import Wait
from analyzer.evidence import Archive
from analyzer.notebook import Notebook
from analyzer.span import Span
from telemetry.contract.frames import MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzer.notebook import Trial
    from telemetry.contract.documents import EventRefused, Result
    from telemetry.store.interface import Store

LOOK_AGAIN_S = 1.0
"""How often an incomplete window is looked at while it waits."""


class Desk:
    """Fed with what the collector settled; `settle` computes the windows that are due."""

    def __init__(self, store: Store, node: str) -> None:
        self.node = node
        self.notebook = Notebook(node)
        self._store = store
        self._settled: dict[StreamKey, IntervalSet] = {}
        self._read: dict[StreamKey, IntervalSet] = {}
        self._waits: dict[str, Wait] = {}
        self._looked: dict[str, tuple[float, int]] = {}
        self._heard = 0

    async def hear(self, settled: Mapping[StreamKey, IntervalSet], now_s: float) -> set[str]:
        """Takes in what is settled, reads the marks that are new; the ids of the trials they touch."""
        touched: set[str] = set()
        self._heard += 1
        for key, seqs in settled.items():
            self._settled[key] = self._settled.get(key, IntervalSet()) | seqs
            if key.stream.startswith("marks/"):
                touched |= await self._read_marks(key)
        for name in touched:
            self._await(name, now_s)
        return touched

    async def settle(self, now_s: float) -> list[Result]:
        """The results of every window that is due now."""
        results: list[Result] = []
        for name, wait in list(self._waits.items()):
            trial = self.notebook.trial(name)
            if trial is None or trial.end is None:
                del self._waits[name]
            elif self._worth_a_look(name, wait, now_s):
                results += await self._look(trial, wait, now_s)
        return results

    async def compute(self, trial: Trial) -> tuple[list[Result], int]:
        """The results of an ended trial from what is stored now, and how many frames it misses."""
        spans = self._spans(trial)
        archive = Archive(self._store, self.node, self._settled)
        through, unsure = await self._through(trial, spans, archive)
        evidence = await archive.evidence(spans, through, _idle_span(trial))
        missing = evidence.missing + unsure + len(self._absent_marks(trial))
        results = trial_results(trial, evidence, overlaps=bool(self.notebook.overlapping(trial)))
        return results, missing

    def refused(self, name: str) -> list[EventRefused]:
        """The events of a trial that contradict earlier ones."""
        marks = (seqs for key, seqs in self._settled.items() if key.stream.startswith("marks/"))
        return self.notebook.refused(
            name, complete=all(seqs.through == seqs.ranges[-1][1] for seqs in marks if seqs)
        )

    async def _read_marks(self, key: StreamKey) -> set[str]:
        read = self._read.get(key, IntervalSet())
        frames = await self._store.frames(key, self._settled[key] - read)
        self._read[key] = read | IntervalSet.of(seq for seq, _ in frames)
        touched: set[str] = set()
        for _, frame in frames:
            if isinstance(frame, MarksFrame):
                touched |= self.notebook.add(key, frame)
        return touched

    def _await(self, name: str, now_s: float) -> None:
        """A trial whose marks changed is computed (again), and so are those that it overlaps."""
        trial = self.notebook.trial(name)
        if trial is None:
            return
        for other in [name, *self.notebook.overlapping(trial)]:
            self._waits[other] = Wait(now_s)
            self._looked.pop(other, None)

    async def _look(self, trial: Trial, wait: Wait, now_s: float) -> list[Result]:
        name = trial.opening.trial
        results, missing = await self.compute(trial)
        self._looked[name] = (now_s, self._heard)
        if not wait.due(missing, now_s):
            return []
        wait.wrote(missing)
        if wait.over:
            del self._waits[name], self._looked[name]
        return results

    def _worth_a_look(self, name: str, wait: Wait, now_s: float) -> bool:
        """Whether a window may have become due since it was last looked at."""
        if name not in self._looked:
            return True
        looked_s, heard = self._looked[name]
        return now_s - looked_s >= LOOK_AGAIN_S and (wait.running or heard != self._heard)

    def _spans(self, trial: Trial) -> list[Span]:
        """The window on each boot it touches: they share one monotonic clock, and the first one's anchor."""
        assert trial.end is not None  # noqa: S101 - only ended trials come here
        begin, end = trial.begin, trial.end
        shift = begin.time - begin.event.t
        boots = dict.fromkeys([begin.key.boot, *self._boots_between(trial), end.key.boot])
        return [Span(boot, begin.event.t, max(end.event.t, begin.event.t + 1), shift) for boot in boots]

    def _boots_between(self, trial: Trial) -> list[str]:
        if trial.end is None or trial.begin.key.boot == trial.end.key.boot:
            return []
        return sorted({mark.key.boot for mark in trial.batches})

    async def _through(
        self, trial: Trial, spans: list[Span], archive: Archive
    ) -> tuple[dict[StreamKey, int], int]:
        """The last frame that each sequence owes the window, and how many boots have not said it yet.

        The end mark speaks of its own boot; an earlier boot owes all it made, known once it said `final`.
        """
        through: dict[StreamKey, int] = {}
        closing = trial.closing
        last = spans[-1].boot
        for stream, seq in closing.power.items() if closing else ():
            through[StreamKey(self.node, last, stream)] = seq
        unsure = 0
        for span in spans[:-1]:
            reports = [
                account.report
                for key, account in (await archive.accounts()).items()
                if key.boot == span.boot and key.stream.startswith("power/")
            ]
            for report in reports:
                if report is None or not report.health.final:
                    unsure += 1
                else:
                    key = StreamKey(self.node, span.boot, report.health.stream)
                    through[key] = report.health.next_seq - 1
        return through, unsure

    def _absent_marks(self, trial: Trial) -> IntervalSet:
        """Marks frames between begin and end that are not settled yet."""
        if trial.end is None or trial.begin.key != trial.end.key:
            return IntervalSet()
        between = IntervalSet([sorted((trial.begin.seq, trial.end.seq))])
        return between - self._settled.get(trial.begin.key, IntervalSet())


def _idle_span(trial: Trial) -> Span | None:
    idle = trial.idle
    return Span(idle.boot, idle.begin, idle.end, idle.time - idle.end) if idle else None
