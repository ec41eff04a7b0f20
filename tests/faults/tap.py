"""A tap at the spool of a real agent: ``-m tests.faults.tap FOLDER CLOCK KERNEL edge …`` is ``e3p edge …``.

Every frame is written into FOLDER, which no fault touches, before the spool commits it, and its key after
the commit. So a reader knows what was made for certain, and what a kill may have taken before it was made.
CLOCK is a file: what it holds (ns ahead, parts per million, since monotonic ns) is added to the wall clock.
KERNEL is the boot of the kernel that the agent believes in, so that two agents are two devices; empty: the
true one.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from telemetry.contract.intervals import IntervalSet

LENGTH = struct.Struct("<I")


class Key(NamedTuple):
    """One frame of one node: `stream` is the full name, such as ``power/main``."""

    boot: str
    stream: str
    seq: int


class Made(NamedTuple):
    """A frame as it was handed to the spool."""

    boot: str
    stream: str
    seq: int
    ticks: int
    body: bytes

    @property
    def key(self) -> Key:
        return Key(self.boot, self.stream, self.seq)


class Entry(msgspec.Struct, frozen=True):
    """Frames that the spool was asked to commit, keys that it has committed, ranges that may leave it."""

    offered: tuple[Made, ...] = ()
    committed: tuple[Key, ...] = ()
    settled: tuple[tuple[str, str, tuple[tuple[int, int], ...]], ...] = ()


class Tap:
    """What a node's agents have made, in order. `refresh` reads on where it stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.offered: dict[Key, Made] = {}
        self.committed: set[Key] = set()
        self.settled: dict[tuple[str, str], IntervalSet] = {}
        self._read: dict[Path, int] = {}

    def refresh(self) -> Tap:
        for path in sorted(self.folder.iterdir(), key=lambda path: int(path.name)):
            for entry in self._entries(path):
                self.offered.update((made.key, made) for made in entry.offered)
                self.committed.update(entry.committed)
                for boot, stream, ranges in entry.settled:
                    known = self.settled.get((boot, stream), IntervalSet())
                    self.settled[boot, stream] = known | IntervalSet(ranges)
        return self

    def _entries(self, path: Path) -> Iterator[Entry]:
        """The whole entries that came since; a kill may leave a torn one at the end."""
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            data = file.read()
        at = 0
        while at + LENGTH.size <= len(data):
            end = at + LENGTH.size + LENGTH.unpack_from(data, at)[0]
            if end > len(data):
                break
            yield msgspec.msgpack.decode(data[at + LENGTH.size : end], type=Entry)
            at = end
        self._read[path] = self._read.get(path, 0) + at


class Recording:
    """The file of one life of an agent."""

    def __init__(self, folder: Path) -> None:
        path = folder / str(time.monotonic_ns())
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def put(self, entry: Entry) -> None:
        body = msgspec.msgpack.encode(entry)
        os.write(self._file, LENGTH.pack(len(body)) + body)


def record(folder: Path) -> None:
    """From now on the spool of this process is recorded."""
    from edge_node.accounts import Loss, Name
    from edge_node.spool import Batch, Settled, Spool

    recording, write, settle = Recording(folder), Spool.write, Spool.settle

    def tapped(self: Spool, batch: Batch, spare: Collection[int] = ()) -> list[Loss]:
        made = tuple(Made(row.name.boot, row.name.stream, row.seq, row.ticks, row.body) for row in batch.rows)
        if made:
            recording.put(Entry(offered=made))
        gone = write(self, batch, spare)
        if made:
            recording.put(Entry(committed=tuple(each.key for each in made)))
        return gone

    def heard(self: Spool, name: Name, seqs: IntervalSet) -> Settled:
        recording.put(Entry(settled=((*name, seqs.ranges),)))
        return settle(self, name, seqs)

    Spool.write, Spool.settle = tapped, heard  # type: ignore[method-assign]


def bend_the_clock(path: Path) -> None:
    """The wall clock of this process is ahead by what the file says. Before anything reads it."""
    true_ns: Any = time.time_ns

    def bent_ns() -> int:
        try:
            ahead_ns, ppm, since_ns = map(int, path.read_text().split())
        except (OSError, ValueError):  # not there, or just being written
            return int(true_ns())
        return int(true_ns()) + ahead_ns + (time.monotonic_ns() - since_ns) * ppm // 1_000_000

    time.time_ns = bent_ns


def pretend_a_kernel(name: str) -> None:
    """Before anybody has asked which one it is."""
    from edge_node import boots

    boots.read_os_boot = lambda root=None: name


def main() -> None:
    folder, clock, kernel, *arguments = sys.argv[1:]
    bend_the_clock(Path(clock))
    if kernel:
        pretend_a_kernel(kernel)
    record(Path(folder))
    sys.argv = ["e3p", *arguments]
    from e3p.__main__ import main as e3p

    e3p()


if __name__ == "__main__":
    main()
