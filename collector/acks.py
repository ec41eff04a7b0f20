"""Acknowledgements: what each node is to be told next, not too often and never too late (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from collector.books import Books
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet, Range
from telemetry.contract.replies import Stored, StoredStream

# Together they keep a message below 64 kB, whatever the names.
MAX_STREAMS = 12
MAX_RANGES = 40

Touched = dict[StreamKey, IntervalSet]


class Told(NamedTuple):
    """A message, and the frames that it is about."""

    message: Stored
    touched: Touched


class Acks:
    """The frames settled since each node was last told, and when it may be told again."""

    def __init__(self, books: Books, per_second: float) -> None:
        self._books = books
        self._spacing_s = 1 / per_second
        self._untold: dict[str, Touched] = {}
        self._not_before_s: dict[str, float] = {}

    def touch(self, key: StreamKey, seqs: IntervalSet) -> None:
        """These frames are settled, newly or once more: their node is to be told."""
        touched = self._untold.setdefault(key.node, {})
        touched[key] = touched.get(key, IntervalSet()) | seqs

    def due(self, now_s: float) -> list[str]:
        """The nodes to be told now."""
        for node in [node for node, at_s in self._not_before_s.items() if at_s <= now_s]:
            del self._not_before_s[node]
        return [node for node in self._untold if node not in self._not_before_s]

    def due_in_s(self, now_s: float) -> float | None:
        """Seconds until the next node is to be told; None when there is none."""
        return min((max(0.0, self._not_before_s.get(n, now_s) - now_s) for n in self._untold), default=None)

    def take(self, node: str, now_s: float) -> Told:
        """The message to a node; what finds no room in it stays for the next one."""
        self._not_before_s[node] = now_s + self._spacing_s
        touched = self._untold.pop(node)
        rest: Touched = {}
        streams = []
        for at, (key, seqs) in enumerate(touched.items()):
            if at >= MAX_STREAMS:
                rest[key] = seqs
                continue
            stream, left = _statement(key, self._books.settled(key) | seqs, seqs)
            streams.append(stream)
            if left:
                rest[key] = left
        if rest:
            self._untold[node] = rest
        return Told(Stored(streams=tuple(streams)), touched)

    def put_back(self, told: Told) -> None:
        """The message could not be sent."""
        for key, seqs in told.touched.items():
            self.touch(key, seqs)


def _statement(
    key: StreamKey, settled: IntervalSet, touched: IntervalSet
) -> tuple[StoredStream, IntervalSet]:
    """What is settled, the ranges around `touched` before all others; and the touched ones left out."""
    through = settled.through
    beyond, asked = settled.beyond(through), touched.beyond(through)
    chosen = dict.fromkeys(_around(beyond.ranges, asked))
    kept = list(chosen)[:MAX_RANGES]
    if len(chosen) < MAX_RANGES:
        kept = list(dict.fromkeys((*kept, *beyond.ranges[:MAX_RANGES])))[:MAX_RANGES]
    stream = StoredStream(boot=key.boot, stream=key.stream, through=through, ranges=tuple(sorted(kept)))
    return stream, asked - IntervalSet(kept)


def _around(ranges: tuple[Range, ...], asked: IntervalSet) -> Iterator[Range]:
    """The range of the whole that each asked one lies in."""
    for first, _ in asked.ranges:
        yield ranges[bisect_right(ranges, (first, float("inf"))) - 1]
