"""Lines on their way to the server: in bodies of a bearable size, and sorted out where it refuses some."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import anyio
import anyio.to_thread

from telemetry.contract.errors import UserError
from telemetry.contract.frames import Frame, PowerFrame
from telemetry.store.influx.errors import LinesRefused
from telemetry.store.influx.judge import Taken
from telemetry.store.influx.lines import lines_of, void_line
from telemetry.store.influx.server import Server
from telemetry.store.interface import Rejected, StoreUnavailable

BODY_POINTS = 20_000
"""Samples of four channels in one body: some 3 MB."""
FRAME_POINTS = 20
"""What a frame's own line weighs, in such samples."""
AT_ONCE = 2
"""Bodies on their way at once: the next one is made while the server works on one."""


async def deliver(server: Server, bucket: str, batch: Sequence[Taken]) -> dict[int, Rejected]:
    """Writes frames; those that the server will not have come back by their place, with its words.

    Raises `StoreUnavailable` where any of it could not be written: then all of it is to be written again.
    """
    rejected: dict[int, Rejected] = {}
    failures: list[Exception] = []
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def send(body: Sequence[Taken]) -> None:
        async with limit:
            if failures:
                return
            try:
                rejected.update(await _sorted_out(server, bucket, body))
            except (StoreUnavailable, UserError) as error:
                failures.append(error)  # raised below, where no group is wrapped around it

    async with anyio.create_task_group() as tasks:
        for body in _bodies(batch):
            tasks.start_soon(send, body)
    if failures:
        raise failures[0]
    return rejected


async def _sorted_out(server: Server, bucket: str, body: Sequence[Taken]) -> dict[int, Rejected]:
    """Writes frames together; where that is refused, each half by itself, down to the guilty frame.

    What is written twice on the way is the same points again.
    """
    try:
        await server.write(bucket, await anyio.to_thread.run_sync(_lines, body))
    except LinesRefused as error:
        if len(body) == 1:
            await _take_back(server, bucket, body[0])
            return {body[0].at: Rejected(str(error))}
        half = len(body) // 2
        first = await _sorted_out(server, bucket, body[:half])
        return first | await _sorted_out(server, bucket, body[half:])
    return {}


async def _take_back(server: Server, bucket: str, refused: Taken) -> None:
    """The server may have kept some lines of a frame that it refused: the frame's own counts no more."""
    with contextlib.suppress(LinesRefused):
        await server.write(bucket, void_line(refused.received, refused.stamp))


def _lines(body: Sequence[Taken]) -> bytes:
    return b"".join(lines_of(taken.received, taken.stamp) for taken in body)


def _bodies(batch: Sequence[Taken]) -> Iterator[Sequence[Taken]]:
    begin = points = 0
    for at, taken in enumerate(batch):
        points += _weight(taken.received.frame)
        if points >= BODY_POINTS:
            yield batch[begin : at + 1]
            begin, points = at + 1, 0
    if begin < len(batch):
        yield batch[begin:]


def _weight(frame: Frame) -> int:
    return FRAME_POINTS + (max(frame.samples, len(frame.w) // 16) if isinstance(frame, PowerFrame) else 0)
