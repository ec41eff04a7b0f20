"""The ledger: ``made = stored + dead + lost + spooled + missing`` (docs/contract.md, "The ledger").

Pure, and on floor 0, because the collector prints it and the analyzer closes windows by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from telemetry.contract.documents import LedgerRow
from telemetry.contract.frames import Frame, MarksFrame, StreamHealth, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.marks import TrialEnd

POWER = "power/"


class Reported(Protocol):
    """The node's newest word on a sequence, and the node time (ns) of the report."""

    @property
    def health(self) -> StreamHealth: ...
    @property
    def as_of(self) -> int: ...


class Accounted(Protocol):
    """What a store holds of one sequence; `samples` and `missed` add up over its power frames."""

    @property
    def key(self) -> StreamKey: ...
    @property
    def stored(self) -> IntervalSet: ...
    @property
    def dead(self) -> IntervalSet: ...
    @property
    def samples(self) -> int: ...
    @property
    def missed(self) -> int: ...
    @property
    def report(self) -> Reported | None: ...


class Shares(NamedTuple):
    """Disjoint sets of seq whose union is `made`; a seq in several places counts for the first of them."""

    made: IntervalSet
    stored: IntervalSet
    dead: IntervalSet
    lost: IntervalSet
    spooled: IntervalSet
    missing: IntervalSet


def shares(
    stored: IntervalSet, dead: IntervalSet, health: StreamHealth | None, ends: Iterable[int] = ()
) -> Shares:
    """Where every frame of a sequence is. `ends` are the seqs that `trial_end.power` named for it."""
    made = IntervalSet.below(_made_end(stored | dead, health, ends))
    left = made - stored
    dead_here = left & dead
    left -= dead_here
    lost = left & lost_of(health)
    left -= lost
    spooled = left & IntervalSet(health.spooled if health else ())
    return Shares(made, made & stored, dead_here, lost, spooled, left - spooled)


def lost_of(health: StreamHealth | None) -> IntervalSet:
    """The seqs that the node declared lost."""
    return IntervalSet((first, last) for first, last, _ in health.declared_lost) if health else IntervalSet()


def ledger_row(account: Accounted, ends: Iterable[int] = ()) -> LedgerRow:
    """The account of one sequence as it is printed; it closes when nothing is missing."""
    health = account.report.health if account.report else None
    parts = shares(account.stored, account.dead, health, ends)
    lists = {name: part.as_lists() for name, part in parts._asdict().items()}
    counts = {f"{name}_count": len(part) for name, part in parts._asdict().items()}
    said = {
        "ticks": health.ticks if health else None,
        "samples": account.samples,
        "missed_ticks": account.missed,
        "lost_ticks": _lost_ticks(health, parts.lost),
        "ticks_off": _ticks_off(account, parts),
        "closed": not parts.missing,
        "as_of": account.report.as_of if account.report else None,
    }
    return msgspec.convert({**account.key._asdict(), **lists, **counts, **said}, LedgerRow)


def power_ends(frames: Iterable[Frame]) -> dict[str, int]:
    """The largest seq that the trial ends in these frames of one boot name, by stream (``power/main``)."""
    ends: dict[str, int] = {}
    for frame in frames:
        for event in frame.events if isinstance(frame, MarksFrame) else ():
            for name, seq in event.power.items() if isinstance(event, TrialEnd) else ():
                stream = name if name.startswith(POWER) else f"{POWER}{name}"
                ends[stream] = max(seq, ends.get(stream, 0))
    return ends


def _made_end(seen: IntervalSet, health: StreamHealth | None, ends: Iterable[int]) -> int:
    if health and health.final:
        return health.next_seq
    said = health.next_seq if health else 0
    return max(seen.ranges[-1][1] + 1 if seen else 0, said, *(end + 1 for end in ends), 0)


def _lost_ticks(health: StreamHealth | None, lost: IntervalSet) -> int:
    """The ticks declared with the ranges that are lost; those of a range that came after all do not count."""
    declared = health.declared_lost if health else ()
    return sum(ticks for first, last, ticks in declared if IntervalSet([(first, last)]) & lost)


def _ticks_off(account: Accounted, parts: Shares) -> int | None:
    """The node's ticks less those accounted for; None while frames are out, or their ticks cannot be told."""
    health = account.report.health if account.report else None
    if not account.key.stream.startswith(POWER):
        return None
    out = parts.missing or parts.spooled or parts.dead
    if health is None or not health.final or out or _torn(health, parts.lost):
        return None
    return health.ticks - account.samples - account.missed - _lost_ticks(health, parts.lost)


def _torn(health: StreamHealth, lost: IntervalSet) -> bool:
    """Whether only a part of some declared range is lost, so that its ticks cannot be shared out."""
    ranges = [IntervalSet([(first, last)]) for first, last, _ in health.declared_lost]
    return any(held & lost and held - lost for held in ranges)
