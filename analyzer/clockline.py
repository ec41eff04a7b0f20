"""A boot's clock against UTC over its whole length: pieces of straight line, and the steps between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from analyzer.clock import Offset, offset_at
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ClockFrame, Exchange

if TYPE_CHECKING:
    from telemetry.store.interface import Store

PIECE_NS = 1_200_000_000_000
"""The longest piece, 20 minutes: so long a crystal's rate is constant, within `analyzer.clock`'s slack."""
NEAR = 16
"""Exchanges on either side that tell whether the offset jumped between two."""


class Step(NamedTuple):
    """UTC jumped against the clock by `size_ns` ± `u95_ns` between the exchanges at the two times.

    A suspended device's monotonic clock stands still, so UTC jumps ahead; a peer's clock may be set back.
    """

    after_ns: int
    before_ns: int
    size_ns: int
    u95_ns: int


class Piece(NamedTuple):
    """From `begin_ns` to `end_ns` the clock is a straight line through `offset` in the middle."""

    begin_ns: int
    end_ns: int
    offset: Offset


class BootClock(NamedTuple):
    """One boot's clock; times and offsets are against its node time."""

    boot: str
    pieces: list[Piece]
    steps: list[Step]


async def read_clock(store: Store, node: str) -> list[BootClock]:
    """Return the clock of each boot of a node that asked for the time, by time.

    Raises:
        UserError: nothing is known of the node, or none of its boots asked.
    """
    accounts = await store.accounts(node)
    told: dict[str, list[Exchange]] = {}
    for account in accounts:
        if account.key.stream.startswith("clock/"):
            for _, frame in await store.frames(account.key, account.stored):
                if isinstance(frame, ClockFrame):
                    told.setdefault(account.key.boot, []).extend(_in_node_time(frame))
    if not told:
        why = "it never got an answer to a ping" if accounts else "the store has nothing of it"
        raise UserError(f"node {node!r} has no clock reports in {store.url}: {why}")
    clocks = [BootClock(boot, pieces(exchanges), steps(exchanges)) for boot, exchanges in told.items()]
    return sorted(clocks, key=lambda clock: [piece.begin_ns for piece in clock.pieces])


def _in_node_time(frame: ClockFrame) -> list[Exchange]:
    return [replace(each, t1=each.t1 + frame.anchor, t4=each.t4 + frame.anchor) for each in frame.exchanges]


def steps(exchanges: Sequence[Exchange]) -> list[Step]:
    """Return the steps that no drift explains, by time.

    Between two neighbours the offset is told twice, by the exchanges before and by those after; a step is
    where the two intervals do not touch. What is smaller than both delays together cannot be seen.
    """
    told = sorted(exchanges, key=lambda each: each.t1)
    found: list[Step] = []
    for at, (last, first) in enumerate(pairwise(told), start=1):
        step = _step(told[max(at - NEAR, 0) : at], told[at : at + NEAR], last, first)
        if step is None:
            continue
        if found and found[-1].before_ns == _middle(last):
            # The same step told from two places: the one that sees it larger stands nearer to it.
            step = max(found.pop(), step, key=lambda each: abs(each.size_ns))
        found.append(step)
    return found


def pieces(exchanges: Sequence[Exchange]) -> list[Piece]:
    """Return the clock as straight lines of at most 20 minutes, none across a step, by time."""
    told = sorted(exchanges, key=lambda each: each.t1)
    breaks = {step.before_ns for step in steps(told)}
    runs: list[list[Exchange]] = []
    for each in told:
        at = _middle(each)
        if not runs or at in breaks or at - _middle(runs[-1][0]) > PIECE_NS:
            runs.append([])
        runs[-1].append(each)
    return [piece for run in runs if (piece := _piece(run)) is not None]


def _step(before: list[Exchange], after: list[Exchange], last: Exchange, first: Exchange) -> Step | None:
    at = (_middle(last) + _middle(first)) // 2
    left, right = offset_at(before, at), offset_at(after, at)
    if left is None or right is None or left.exchanges < len(before) or right.exchanges < len(after):
        return None
    size, u95 = right.offset_ns - left.offset_ns, left.u95_ns + right.u95_ns
    return Step(_middle(last), _middle(first), size, u95) if abs(size) > u95 else None


def _piece(run: list[Exchange]) -> Piece | None:
    begin, end = _middle(run[0]), _middle(run[-1])
    offset = offset_at(run, (begin + end) // 2)
    return Piece(begin, end, offset) if offset else None


def _middle(exchange: Exchange) -> int:
    return (exchange.t1 + exchange.t4) // 2
