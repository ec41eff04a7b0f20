"""The books: which frames of every sequence are settled, as far as this process knows (pure).

An acknowledgement that claims less than what is settled harms nobody: the node sends again and is told then.
So the books may forget what was not asked for in a long time, and their size is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from telemetry.contract.decode import Received
from telemetry.contract.frames import HealthFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import lost_of
from telemetry.store.interface import Account

NOTHING = IntervalSet()
MAX_RANGES = 2_000
"""Of one sequence. A node has 64 frames on their way, so an honest one leaves few holes."""


class Books:
    """Settled = stored, dead, or declared lost."""

    def __init__(self, max_streams: int) -> None:
        self._max_streams = max_streams
        self._settled: OrderedDict[StreamKey, IntervalSet] = OrderedDict()

    def __len__(self) -> int:
        return len(self._settled)

    def load(self, accounts: Iterable[Account]) -> None:
        """Takes over what the store holds; the youngest boots last, so that they are kept longest."""
        for account in sorted(accounts, key=lambda account: account.anchor or 0):
            health = account.report.health if account.report else None
            self.settle(account.key, account.stored | account.dead | lost_of(health))

    def settled(self, key: StreamKey) -> IntervalSet:
        """What is known to be settled of one sequence."""
        return self._settled.get(key, NOTHING)

    def settle(self, key: StreamKey, seqs: IntervalSet) -> None:
        """These frames need not be sent again."""
        self._settled[key] = _bounded(self.settled(key) | seqs)
        self._settled.move_to_end(key)
        if len(self._settled) > self._max_streams:
            self._settled.popitem(last=False)


def _bounded(seqs: IntervalSet) -> IntervalSet:
    """Of too many ranges the first, which says how far all is settled, and the last."""
    if len(seqs.ranges) <= MAX_RANGES:
        return seqs
    return IntervalSet([seqs.ranges[0], *seqs.ranges[1 - MAX_RANGES :]])


def settled_by(received: Iterable[Received]) -> dict[StreamKey, IntervalSet]:
    """What these frames settle now that they are stored: themselves, and what health reports declare lost."""
    seqs: dict[StreamKey, list[tuple[int, int]]] = {}
    for each in received:
        key, frame = each.key, each.frame
        seqs.setdefault(key, []).append((frame.seq, frame.seq))
        for health in frame.streams if isinstance(frame, HealthFrame) else ():
            if health.declared_lost:
                lost = seqs.setdefault(StreamKey(key.node, health.boot, health.stream), [])
                lost.extend((first, last) for first, last, _ in health.declared_lost)
    return {key: IntervalSet(ranges) for key, ranges in seqs.items()}
