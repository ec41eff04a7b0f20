"""Frames as line protocol, in bytes and by column: what Grafana plots, and the frame itself, exactly.

`power` has a line for each sample: tags `node`, `stream`, `boot`, one float field a channel in watts, time =
node time. `frame` has a line for each frame, with its body. A frame comes back from its body alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from telemetry.contract.decode import Received
from telemetry.contract.frames import HealthFrame, MarksFrame, PowerFrame, StreamKey
from telemetry.store.influx.names import EARLIEST, LATEST, field, tag
from telemetry.store.influx.pieces import packed_fields
from telemetry.store.influx.plots import batch_lines, health_line
from telemetry.store.times import last_ns

NUMBERS = orjson.OPT_SERIALIZE_NUMPY

Watts = NDArray[np.float32]
Times = NDArray[np.int64]


def lines_of(received: Received, stamp: int) -> bytes:
    """All lines of one frame; `stamp` is the time under which the frame itself is found."""
    frame = received.frame
    line = frame_line(received, stamp)
    if isinstance(frame, PowerFrame):
        line += power_lines(received.topic.node, received.topic.stream, frame)
    elif isinstance(frame, HealthFrame):
        line += health_line(received.topic.node, frame)
    elif isinstance(frame, MarksFrame):
        line += batch_lines(received.topic.node, frame)
    return line


def frame_line(received: Received, stamp: int) -> bytes:
    """The line that holds a frame."""
    frame = received.frame
    span = min(last_ns(frame) - frame.t0, LATEST)
    fields = [f'seq={frame.seq}i,span={span}i,digest="{received.digest.hex()}"']
    if isinstance(frame, PowerFrame):
        fields.append(f"n={frame.samples}i,first={frame.first}i,missed={frame.missed}i,tick={frame.tick}i")
        fields.append(f"no_reading={int(np.isnan(watts_of(frame)).sum())}i")
    told = ",".join(fields).encode()
    return b"frame,%b %b,%b %d\n" % (
        tags(received.key, received.key.stream),
        told,
        packed_fields("body", received.body),
        stamp,
    )


def void_line(received: Received, stamp: int) -> bytes:
    """The line that takes a frame's number from it: it is found by nobody any more."""
    return b"frame,%b seq=-1i %d\n" % (tags(received.key, received.key.stream), stamp)


def power_lines(node: str, stream: str, frame: PowerFrame) -> bytes:
    """A line for each sample. Where a channel has no reading its field is absent, and no line is empty."""
    watts, times = watts_of(frame), times_of(frame)
    prefix = b"power,%b " % tags(StreamKey(node, frame.boot, ""), stream)
    channels = [field(name) for name in frame.ch]
    return b"".join(_blocks(prefix, channels, watts, times))


def watts_of(frame: PowerFrame) -> Watts:
    """float32[n, k]."""
    return np.frombuffer(frame.w, "<f4").reshape(-1, len(frame.ch))


def times_of(frame: PowerFrame) -> Times:
    """int64[n], node time."""
    wide = frame.samples and len(frame.dt) == 8 * frame.samples
    times = np.frombuffer(frame.dt, "<i8" if wide else "<i4").astype(np.int64) + (frame.anchor + frame.t0)
    if times.size and (times[0] < EARLIEST or times[-1] > LATEST):  # they rise
        return np.clip(times, EARLIEST, LATEST)
    return times


def tags(key: StreamKey, stream: str) -> bytes:
    """The tags of a line of one sequence, in the order in which the server sorts them."""
    return b"boot=%b,node=%b,stream=%b" % (tag(key.boot), tag(key.node), tag(stream))


def _blocks(prefix: bytes, channels: list[bytes], watts: Watts, times: Times) -> Iterator[bytes]:
    """Rows that have a reading in the same channels go together."""
    read = np.isfinite(watts)
    if read.all():
        yield _block(prefix, channels, watts, times)
        return
    for pattern in np.unique(read, axis=0):
        rows = (read == pattern).all(axis=1)
        there = [name for name, has in zip(channels, pattern, strict=True) if has]
        yield _block(prefix, there, watts[np.ix_(rows, pattern)], times[rows])


def _block(prefix: bytes, channels: list[bytes], watts: Watts, times: Times) -> bytes:
    """Lines whose fields are all there. The shortest text that is this float32 and no other is written."""
    count, width = watts.shape
    if not count or not width:
        return b""
    row, before = [], f"\n{prefix.decode()}"
    for name in channels:
        row += [f"{before}{name.decode()}=", ""]
        before = ","
    row += [" ", ""]
    parts = row * count
    values = _texts(watts.reshape(-1))
    for at in range(width):
        parts[2 * at + 1 :: len(row)] = values[at::width]
    parts[len(row) - 1 :: len(row)] = _texts(times)
    return ("".join(parts)[1:] + "\n").encode()


def _texts(numbers: Watts | Times) -> list[str]:
    return orjson.dumps(np.ascontiguousarray(numbers), option=NUMBERS).decode()[1:-1].split(",")
