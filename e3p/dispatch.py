"""The frames of one boot that nobody has settled yet, and which of them to send now (pure).

The rules are the agent's own (`edge_node.delivery`), for senders that need no spool on a disk.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from edge_node.accounts import Accounts, Name
from edge_node.delivery import Delivery, Waiting
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored


class Held(NamedTuple):
    """A frame that is not settled: `stream` is the full name."""

    id: int
    stream: str
    seq: int
    size_bytes: int
    ticks: int


class Dispatch:
    """Numbers frames, says which to send, and takes the collector's word. Times are monotonic seconds."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.accounts = Accounts()
        self.delivery = Delivery()
        self._held: dict[Name, dict[int, Held]] = {}
        self._by_id: dict[int, Held] = {}
        self._unsent: dict[int, Waiting] = {}
        self._next_id = 0

    def __len__(self) -> int:
        """How many frames are not settled."""
        return len(self._by_id)

    def put(self, stream: str, size_bytes: int, ticks: int = 0) -> Held:
        """Takes the next frame of a stream, about so large."""
        name = Name(self.boot, stream)
        frame = Held(self._next_id, stream, self.accounts.number(name, ticks), size_bytes, ticks)
        self._next_id += 1
        self._held.setdefault(name, {})[frame.seq] = self._by_id[frame.id] = frame
        self._unsent[frame.id] = Waiting(frame.id, size_bytes)
        return frame

    def take(self, now_s: float) -> list[Held]:
        """What to send now: what is overdue, then what there is room for. It counts as sent."""
        frames = [self._by_id[id_] for id_ in self.delivery.overdue(now_s)]
        if room := self.delivery.room:
            newest = list(islice(reversed(self._unsent.values()), room))
            oldest = list(islice(self._unsent.values(), room))
            frames += [self._by_id[fresh.id] for fresh in self.delivery.choose(newest, oldest)]
        for frame in frames:
            self._unsent.pop(frame.id, None)
            self.delivery.sent(Waiting(frame.id, frame.size_bytes), now_s)
        return frames

    def settle(self, stored: Stored) -> list[Held]:
        """The frames that the collector has now, and had not before."""
        gone: list[Held] = []
        for stream in stored.streams:
            name = Name(stream.boot, stream.stream)
            if name in self._held:
                gone += self._settle(name, IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges))
        self.delivery.settled([frame.id for frame in gone])
        return gone

    def _settle(self, name: Name, seqs: IntervalSet) -> list[Held]:
        held = self._held[name]
        gone = [held.pop(seq) for seq in self.accounts[name].spooled & seqs]
        for frame in gone:
            del self._by_id[frame.id]
            self._unsent.pop(frame.id, None)
        self.accounts.settle(name, seqs, sum(frame.ticks for frame in gone))
        return gone
