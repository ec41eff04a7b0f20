"""The sampler's way out: a pipe that is never waited for, and a bounded queue before it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections import deque

from edge_node import sampler_wire as wire
from edge_node.sampling import Block, Losses

# Seven minutes of four channels at 1 kHz, should the agent stand still.
QUEUE_BYTES = 8 * 1024 * 1024
_PIPE_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031


class ReaderGone(Exception):
    """The agent has closed its end."""


class Outbox:
    """Messages leave in order, as fast as the pipe takes them.

    A block that does not fit is dropped whole; its ticks are missed ticks of the stream's next block.
    """

    def __init__(self, fd: int, queue_bytes: int = QUEUE_BYTES) -> None:
        self._fd = fd
        self._limit = queue_bytes
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._losses = Losses()
        self.waiting = False
        """Whether the pipe was full."""
        os.set_blocking(fd, False)
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # noqa: PLC0415 - Linux only, and no loss elsewhere

            fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_BYTES)

    def __repr__(self) -> str:
        return f"Outbox({self._queued} bytes waiting)"

    def push(self, block: Block) -> None:
        """A block of samples, sent or queued or dropped and remembered."""
        if self._queued >= self._limit:
            self._losses.drop(block)
            return
        self.note(self._losses.amend(block))

    def note(self, message: wire.Report) -> None:
        """A message that is small and rare, and so always fits."""
        data = wire.pack(message)
        self._queue.append(memoryview(data))
        self._queued += len(data)
        self.pump()

    def pump(self) -> None:
        """Writes what the pipe takes now. Raises `ReaderGone`."""
        while self._queue:
            head = self._queue[0]
            try:
                written = os.write(self._fd, head)
            except BlockingIOError:
                break
            except BrokenPipeError:
                raise ReaderGone from None
            self._queued -= written
            if written == len(head):
                self._queue.popleft()
            else:
                self._queue[0] = head[written:]
        self.waiting = bool(self._queue)

    def drain(self, within_s: float) -> None:
        """Says what was dropped at last, and waits until all is taken, but not for ever."""
        for block in self._losses.leftover():
            self.note(block)
        deadline = time.monotonic() + within_s
        while self._queue and (left_s := deadline - time.monotonic()) > 0:
            select.select([], [self._fd], [], left_s)
            self.pump()
