"""The node's own account of its frames: numbers given, frames kept, frames declared lost. Pure.

It is what health frames say, and it counts a frame from the moment it has its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from telemetry.contract.frames import StreamHealth
from telemetry.contract.intervals import IntervalSet


class Name(NamedTuple):
    """One numbered sequence of this node: `stream` is the full name, such as ``power/main``."""

    boot: str
    stream: str


class Loss(NamedTuple):
    """Frames given up, and the sampling ticks that were in them."""

    name: Name
    first: int
    last: int
    ticks: int


@dataclass
class Account:
    """One sequence: the next number, the ticks of all its frames, what is kept, what is declared lost.

    `kept_ticks` are those of the frames that are kept.
    """

    next_seq: int = 0
    ticks: int = 0
    kept_ticks: int = 0
    spooled: IntervalSet = field(default_factory=IntervalSet)
    lost: tuple[tuple[int, int, int], ...] = ()


@dataclass
class Tally:
    """Frames since this program began, those that it found kept at its start among the made ones."""

    made: int = 0
    settled: int = 0
    lost: int = 0


class Accounts:
    """All sequences that are not forgotten, those of boots that are over too."""

    def __init__(self, known: Mapping[Name, Account] | None = None) -> None:
        self._accounts: dict[Name, Account] = dict(known or {})
        self.tally = Tally(made=self.kept)

    def __getitem__(self, name: Name) -> Account:
        return self._accounts[name]

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left to deliver."""
        return not any(account.spooled for account in self._accounts.values())

    @property
    def kept(self) -> int:
        """How many frames are kept here."""
        return sum(len(account.spooled) for account in self._accounts.values())

    def number(self, name: Name, ticks: int = 0) -> int:
        """Gives the next number of a sequence to a frame of so many ticks."""
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account()
        seq = account.next_seq
        account.next_seq += 1
        account.ticks += ticks
        account.kept_ticks += ticks
        account.spooled |= IntervalSet([(seq, seq)])
        self.tally.made += 1
        return seq

    def settle(self, name: Name, seqs: IntervalSet, ticks: int = 0) -> None:
        """The collector answers for these now; those that were kept had so many ticks."""
        if account := self._accounts.get(name):
            self.tally.settled += len(account.spooled & seqs)
            account.spooled -= seqs
            account.kept_ticks -= ticks

    def lose(self, losses: Iterable[Loss]) -> None:
        """Declares frames lost; what touches an earlier declaration is joined to it."""
        for loss in losses:
            account = self._accounts[loss.name]
            gone = IntervalSet([(loss.first, loss.last)])
            self.tally.lost += len(account.spooled & gone)
            account.spooled -= gone
            account.kept_ticks -= loss.ticks
            account.lost = joined((*account.lost, (loss.first, loss.last, loss.ticks)))

    def orphaned(self, held: Mapping[Name, Account]) -> list[Loss]:
        """What is kept but not `held` anywhere any more, as lost. The ticks stand with the first range."""
        losses = []
        for name, account in self._accounts.items():
            rest = held.get(name, Account())
            gone, ticks = account.spooled - rest.spooled, account.kept_ticks - rest.kept_ticks
            losses += [Loss(name, *span, 0 if at else ticks) for at, span in enumerate(gone.ranges)]
        return losses

    def stale(self, held: Mapping[Name, Account]) -> dict[Name, IntervalSet]:
        """What is `held` somewhere although it was settled."""
        known = {name: held[name].spooled - self._accounts.get(name, Account()).spooled for name in held}
        return {name: seqs for name, seqs in known.items() if seqs}

    def report(self, boot: str, *, closing: bool = False) -> tuple[StreamHealth, ...]:
        """Every sequence, for a health frame; final are those of other boots, and all when `closing`."""
        return tuple(
            StreamHealth(
                boot=name.boot,
                stream=name.stream,
                next_seq=account.next_seq,
                spooled=account.spooled.ranges,
                declared_lost=account.lost,
                ticks=account.ticks,
                final=closing or name.boot != boot,
            )
            for name, account in self._accounts.items()
        )

    def over(self, boot: str) -> frozenset[str]:
        """The boots other than this one that have nothing left to deliver."""
        held = {name.boot for name, account in self._accounts.items() if account.spooled}
        return frozenset(name.boot for name in self._accounts) - held - {boot}

    def forget(self, boots: Iterable[str]) -> None:
        """Drops the accounts of boots whose end was said and heard."""
        gone = set(boots)
        self._accounts = {name: held for name, held in self._accounts.items() if name.boot not in gone}


def joined(losses: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    """Ranges with ticks, in order, those that touch as one."""
    rows: list[tuple[int, int, int]] = []
    for first, last, ticks in sorted(losses):
        if rows and rows[-1][1] + 1 == first:
            rows[-1] = (rows[-1][0], last, rows[-1][2] + ticks)
        else:
            rows.append((first, last, ticks))
    return tuple(rows)
