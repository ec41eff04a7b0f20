"""Answers to the judge's questions: what lies under a stamp, and which body a stored number has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx.frames import Point, Reader
from telemetry.store.influx.judge import STEPS_NS, Spot, Taken
from telemetry.store.influx.ledger import Ledger
from telemetry.store.influx.names import LATEST
from telemetry.store.influx.rows import where
from telemetry.store.influx.server import Server

CLOSE_NS = 10_000_000_000
"""Frames whose stamps lie so close are asked for together."""
STATEMENTS = 100
"""Questions in one request."""


class Finder:
    """Asks the server about frames that were stored, whoever stored them."""

    def __init__(self, server: Server, ledger: Ledger, reader: Reader) -> None:
        self._server = server
        self._ledger = ledger
        self._reader = reader

    async def digests(self, unknown: Sequence[Taken]) -> dict[Spot, bytes | None]:
        """The digests of stored frames; None of those that have expired.

        A frame that comes again begins at the same time again: it is looked for there, and by its number only
        when it is not there.
        """
        between = [(group[0], group[-1].stamp + STEPS_NS) for group in _close(unknown)]
        wanted = {_spot(taken) for taken in unknown}
        found: dict[Spot, bytes | None] = {
            spot: bytes.fromhex(point["digest"])
            for (taken, _), points in zip(between, await self._between(between), strict=True)
            for point in points
            if (spot := (taken.received.key, point["seq"])) in wanted
        }
        for spot in wanted - found.keys():
            found[spot] = await self._by_number(*spot)
        return found

    async def stamps(self, doubtful: Sequence[Taken]) -> dict[Spot, dict[int, int]]:
        """For each frame, which stamps from its own on are taken, and by which numbers."""
        answers = await self._between([(taken, taken.stamp + STEPS_NS) for taken in doubtful])
        return {
            _spot(taken): {point["time"]: point["seq"] for point in points}
            for taken, points in zip(doubtful, answers, strict=True)
        }

    async def _between(self, spans: Sequence[tuple[Taken, int]]) -> list[list[Point]]:
        """For each span, from the stamp of a frame to another stamp, the points of the frame's sequence."""
        statements = [
            f"SELECT seq, digest FROM frame WHERE {where(taken.received.key)} "
            f"AND time >= {taken.stamp} AND time <= {min(end, LATEST)}"
            for taken, end in spans
        ]
        found: list[list[Point]] = []
        for at in range(0, len(statements), STATEMENTS):
            some = statements[at : at + STATEMENTS]
            raw = await self._server.ask_all(self._server.address.buckets.raw, some)
            archive = await self._server.ask_all(self._server.address.buckets.archive, some)
            found += [one + other for one, other in zip(raw, archive, strict=True)]
        return found

    async def _by_number(self, key: StreamKey, seq: int) -> bytes | None:
        row = await self._ledger.sequence(key)
        points = await self._reader.points(row, IntervalSet.of([seq]), "digest") if row else {}
        return bytes.fromhex(points[seq]["digest"]) if seq in points else None


def _close(frames: Iterable[Taken]) -> Iterator[list[Taken]]:
    """Frames of one sequence, by time, whose stamps are close to each other."""
    group: list[Taken] = []
    for taken in sorted(frames, key=lambda each: (each.received.key, each.stamp)):
        last = group[-1] if group else taken
        if taken.received.key != last.received.key or taken.stamp - last.stamp > CLOSE_NS:
            yield group
            group = []
        group.append(taken)
    if group:
        yield group


def _spot(taken: Taken) -> Spot:
    return taken.received.key, taken.received.frame.seq
