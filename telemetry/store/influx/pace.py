"""How fast a writer is: what it wrote, how long that took, and how late the data came. Pure.

A point of `pace` sums up some seconds of one writer: `frames`, `samples`, `write_s` (time spent in writing),
`late_s` (how old the newest power frame of a batch was at its writing, at most).
"""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.contract.decode import Received
from telemetry.contract.frames import PowerFrame
from telemetry.contract.nodetime import NS_PER_S, node_time_ns

EVERY_NS = 10 * NS_PER_S


class Pace:
    """Sums since the last point. Times are UTC ns."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._frames, self._samples, self._write_ns, self._late_ns = 0, 0, 0, 0

    def add(self, frames: Sequence[Received], began_ns: int, ended_ns: int) -> bytes:
        """Counts a batch that was written; the line to write now, empty while it is too early for one."""
        self._since_ns = began_ns if self._since_ns is None else self._since_ns
        power = [each.frame for each in frames if isinstance(each.frame, PowerFrame)]
        self._frames += len(frames)
        self._samples += sum(frame.samples for frame in power)
        self._write_ns += max(ended_ns - began_ns, 0)
        newest = max((node_time_ns(frame.anchor, frame.t0) for frame in power), default=ended_ns)
        self._late_ns = max(self._late_ns, ended_ns - newest)
        if abs(ended_ns - self._since_ns) < EVERY_NS:
            return b""
        line = self._line(ended_ns)
        self._since_ns = ended_ns
        self._frames, self._samples, self._write_ns, self._late_ns = 0, 0, 0, 0
        return line

    def _line(self, now_ns: int) -> bytes:
        return b"pace frames=%di,samples=%di,write_s=%b,late_s=%b %d\n" % (
            self._frames,
            self._samples,
            repr(self._write_ns / NS_PER_S).encode(),
            repr(self._late_ns / NS_PER_S).encode(),
            now_ns,
        )
