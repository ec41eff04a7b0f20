"""What becomes of each frame of a batch, from what is known here: pure, and asks where it does not know.

`judge` looks at the frames in order. Where it needs what only the server has (the digest of a frame that was
stored some time ago, whether a stamp is taken) it notes a question; answered, it is called again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from telemetry.contract.decode import Received
from telemetry.contract.frames import StreamKey
from telemetry.contract.nodetime import node_time_ns
from telemetry.store.influx.names import EARLIEST, LATEST
from telemetry.store.influx.runs import Runs
from telemetry.store.interface import Outcome, Rejected, Verdict

STEPS_NS = 1_000
"""How far a stamp may be moved off those of other frames of its sequence."""

Spot = tuple[StreamKey, int]
"""One frame's number in its sequence."""


class Taken(NamedTuple):
    """A frame to be stored: its place in the batch, and the stamp it rests under."""

    at: int
    received: Received
    stamp: int


class Known(NamedTuple):
    """What is stored of the boots and sequences of a batch.

    `digests` is of some of the frames; None: no digest is left, because the frame expired.
    """

    anchors: Mapping[tuple[str, str], int]
    runs: Mapping[StreamKey, Runs]
    digests: Mapping[Spot, bytes | None]
    stamps: Mapping[Spot, Mapping[int, int]]


@dataclass
class Judgement:
    """`outcomes` are in the frames' order. While there are questions, it is not final.

    `runs` are those of every sequence that grew, as they are once `taken` is stored; `tangled` are sequences
    whose times do not rise with numbers. `unknown` are frames whose stored digest is asked for, `doubtful`
    those that may share a stamp with another.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    runs: dict[StreamKey, Runs] = field(default_factory=dict)
    tangled: set[StreamKey] = field(default_factory=set)
    unknown: list[Taken] = field(default_factory=list)
    doubtful: list[Taken] = field(default_factory=list)


def judge(frames: Sequence[Received], known: Known, refused: Mapping[int, Rejected]) -> Judgement:
    """The outcome of each frame; `refused` are the places of those that the server will not have."""
    session = _Session(known)
    for at, received in enumerate(frames):
        outcome = refused[at] if at in refused else session.judged(at, received)
        session.found.outcomes.append(outcome)
    return session.found


def stamp_of(received: Received) -> int:
    """Where a frame is looked for: the node time of its `t0`, at the edge where the server knows no such."""
    frame = received.frame
    return min(max(node_time_ns(frame.anchor, frame.t0), EARLIEST), LATEST)


class _Session:
    """One pass over a batch."""

    def __init__(self, known: Known) -> None:
        self.found = Judgement()
        self._known = known
        self._anchors = dict(known.anchors)  # of the boots of this batch
        self._digests: dict[Spot, bytes] = {}
        self._stamps: set[Spot] = set()

    def judged(self, at: int, received: Received) -> Outcome:
        key, frame = received.key, received.frame
        if self._anchors.setdefault((key.node, key.boot), frame.anchor) != frame.anchor:
            return Verdict.ANCHOR
        spot = (key, frame.seq)
        if spot in self._digests:
            return _compared(self._digests[spot], received)
        if frame.seq in self._known.runs.get(key, ()):
            return self._held(Taken(at, received, stamp_of(received)))
        return self._take(at, received)

    def _held(self, again: Taken) -> Outcome:
        spot = (again.received.key, again.received.frame.seq)
        if spot not in self._known.digests:
            self.found.unknown.append(again)
            return Verdict.REPEAT
        return _compared(self._known.digests[spot], again.received)

    def _take(self, at: int, received: Received) -> Outcome:
        key, seq = received.key, received.frame.seq
        stamp = self._stamp(Taken(at, received, stamp_of(received)))
        if stamp is None:
            return Rejected(f"more than {STEPS_NS} frames of this sequence begin at one time")
        self._digests[key, seq] = received.digest
        self._stamps.add((key, stamp))
        self._runs(key).add(seq, stamp)
        self.found.taken.append(Taken(at, received, stamp))
        return Verdict.STORED

    def _stamp(self, new: Taken) -> int | None:
        """The frame's own stamp, or the next one that is free; None: there is none near."""
        key, seq = new.received.key, new.received.frame.seq
        runs = self._runs(key)
        if runs.in_order(seq, new.stamp):
            return new.stamp
        self.found.tangled.add(key)
        if not runs.reaches(new.stamp, new.stamp + STEPS_NS):
            return new.stamp
        if (key, seq) not in self._known.stamps:
            self.found.doubtful.append(new)
            return new.stamp
        there = self._known.stamps[key, seq]
        return next((stamp for stamp in _near(new.stamp) if self._is_free(new, stamp, there)), None)

    def _is_free(self, new: Taken, stamp: int, there: Mapping[int, int]) -> bool:
        """A stamp under which this very frame was written once, unacknowledged, is free for it."""
        key, seq = new.received.key, new.received.frame.seq
        return (key, stamp) not in self._stamps and there.get(stamp, seq) == seq

    def _runs(self, key: StreamKey) -> Runs:
        if key not in self.found.runs:
            self.found.runs[key] = Runs(self._known.runs.get(key, ()))
        return self.found.runs[key]


def _near(stamp: int) -> range:
    return range(stamp, min(stamp + STEPS_NS, LATEST + 1))


def _compared(digest: bytes | None, received: Received) -> Verdict:
    """A frame whose digest has expired with its body is taken for the same one."""
    return Verdict.CONFLICT if digest not in (None, received.digest) else Verdict.REPEAT
