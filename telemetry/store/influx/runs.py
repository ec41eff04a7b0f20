"""Which numbers of a sequence are stored, in runs that know between which times their frames lie.

That answers three questions without asking the server: is this number held; between which times are these
numbers found; can another frame lie at this very time. Times are stamps: ns, as points have them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from telemetry.contract.intervals import IntervalSet


class Run(NamedTuple):
    """Numbers `first` to `last`, all held, with stamps from `begin` to `end`."""

    first: int
    last: int
    begin: int
    end: int


class Runs:
    """Disjoint runs, by rising number."""

    __slots__ = ("_runs",)

    def __init__(self, runs: Iterable[tuple[int, int, int, int]] = ()) -> None:
        self._runs: list[Run] = []
        for run in sorted(Run(*each) for each in runs):
            if self._runs and run.first <= self._runs[-1].last + 1:
                self._runs[-1] = _joined(self._runs[-1], run)
            else:
                self._runs.append(run)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, seq: int) -> bool:
        at = self._before(seq)
        return at >= 0 and self._runs[at].last >= seq

    @property
    def seqs(self) -> IntervalSet:
        """The numbers alone."""
        return IntervalSet((run.first, run.last) for run in self._runs)

    def add(self, seq: int, stamp: int) -> None:
        """Takes a number that is not held."""
        at = self._before(seq)
        run = Run(seq, seq, stamp, stamp)
        if at >= 0 and self._runs[at].last == seq - 1:
            run = _joined(self._runs.pop(at), run)
            at -= 1
        if at + 1 < len(self._runs) and self._runs[at + 1].first == seq + 1:
            run = _joined(run, self._runs.pop(at + 1))
        self._runs.insert(at + 1, run)

    def in_order(self, seq: int, stamp: int) -> bool:
        """Whether a new number's stamp lies strictly between those of its neighbours, as the contract wants.

        As long as that held for every number, times rise with numbers, and no two frames have one stamp.
        """
        at = self._before(seq)
        after = self._runs[at + 1] if at + 1 < len(self._runs) else None
        return (at < 0 or self._runs[at].end < stamp) and (after is None or stamp < after.begin)

    def reaches(self, begin: int, end: int) -> bool:
        """Whether a held frame may have a stamp from `begin` to `end`."""
        return any(run.begin <= end and begin <= run.end for run in self._runs)

    def among(self, seqs: IntervalSet) -> Iterator[tuple[int, int, Run]]:
        """The held parts of a set, each as (first, last, the run that it lies in)."""
        for first, last in (self.seqs & seqs).ranges:
            yield first, last, self._runs[self._before(first)]

    def _before(self, seq: int) -> int:
        """The place of the last run that begins at or before a number; -1: none does."""
        return bisect_right(self._runs, (seq, _BEYOND)) - 1


_BEYOND = float("inf")


def _joined(one: Run, other: Run) -> Run:
    return Run(
        min(one.first, other.first),
        max(one.last, other.last),
        min(one.begin, other.begin),
        max(one.end, other.end),
    )
