"""Frames that have their numbers and wait to be committed to the spool: a small ring in memory. Pure.

When the disk takes nothing for so long that the ring is full, frames are dropped, the least missed first, and
declared lost with their ticks as soon as the spool can write again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from edge_node.accounts import Account, Loss, Name
from telemetry.contract.intervals import IntervalSet

RING_BYTES = 4 * 1024 * 1024
ROW_BYTES = 128
"""What a frame costs beside its body, about, in the ring and in the spool."""


class Row(NamedTuple):
    """A frame as the spool keeps it. `t0` is monotonic ns of its boot."""

    name: Name
    seq: int
    t0: int
    ticks: int
    body: bytes


class Outbox:
    """The ring. `take` empties it for a commit, `restore` brings back what could not be committed."""

    def __init__(self, ring_bytes: int = RING_BYTES) -> None:
        self._rows: list[Row] = []
        self._losses: list[Loss] = []
        self._bytes = 0
        self._most_bytes = ring_bytes

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, row: Row) -> list[Loss]:
        """Adds a frame; the frames dropped for it, if any."""
        self._rows.append(row)
        self._bytes += len(row.body) + ROW_BYTES
        return self._bound()

    def take(self) -> tuple[list[Row], list[Loss]]:
        """Everything that a commit has to write: frames in the order they were put, and drops to declare."""
        rows, losses = self._rows, self._losses
        self._rows, self._losses, self._bytes = [], [], 0
        return rows, losses

    def restore(self, rows: Iterable[Row], losses: Iterable[Loss]) -> list[Loss]:
        """A commit failed: its frames go back to the front; those dropped for want of room are returned."""
        self._rows[:0] = rows
        self._losses[:0] = losses
        self._bytes = sum(len(row.body) + ROW_BYTES for row in self._rows)
        return self._bound()

    def _bound(self) -> list[Loss]:
        dropped: list[Loss] = []
        while self._bytes > self._most_bytes and len(self._rows) > 1:
            row = self._rows.pop(_least_wanted(self._rows))
            self._bytes -= len(row.body) + ROW_BYTES
            dropped.append(Loss(row.name, row.seq, row.seq, row.ticks))
        self._losses += dropped
        return dropped


def with_rows(held: Mapping[Name, Account], rows: Iterable[Row]) -> dict[Name, Account]:
    """What is kept in a spool, and these frames beside it."""
    kept = dict(held)
    for row in rows:
        was = kept.get(row.name, Account())
        seqs = was.spooled | IntervalSet([(row.seq, row.seq)])
        kept[row.name] = replace(was, spooled=seqs, kept_ticks=was.kept_ticks + row.ticks)
    return kept


def _least_wanted(rows: list[Row]) -> int:
    """The oldest frame of the kind that is missed least: health, then clock, power, marks, manifest."""
    for unwanted in ("health/", "clock/", "power/", "marks/"):
        for at, row in enumerate(rows):
            if row.name.stream.startswith(unwanted):
                return at
    return 0
