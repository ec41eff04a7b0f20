"""SQLite's write-ahead log after a crash, with bits that its disk has flipped (https://sqlite.org/walformat.html).

SQLite takes the first frame with a wrong checksum for the place where a power cut tore the log, and drops in
silence all that follows. But a commit after which another one began was on the disk as a whole: there, a
wrong checksum is damage. Such a log is sealed anew over what stands in it, so that only what the flipped bits
hit is lost: the spool's own checksums and SQLite's check of the file find that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")
LITTLE, BIG = 0x377F0682, 0x377F0683
_WORD = 0xFFFFFFFF

Sum = tuple[int, int]


class Log(NamedTuple):
    """A log's frames: where each begins, whether it fits the one before, whether it ends a commit."""

    starts: list[int]
    fits: list[bool]
    commits: list[bool]

    @property
    def last(self) -> tuple[int, int]:
        """Where the last commit begins and ends."""
        *_, before, end = (0, 0, *(at + 1 for at, commit in enumerate(self.commits) if commit))
        return before, end

    @property
    def durable(self) -> int:
        """How many frames were on the disk for certain: those of the last commit only if all of them fit."""
        before, end = self.last
        return end if all(self.fits[before:end]) else before

    @property
    def damaged(self) -> bool:
        """Whether one of those does not fit."""
        return not all(self.fits[: self.durable])


def mend(path: Path) -> bool:
    """Seals a damaged log anew; whether there was anything to mend."""
    data = bytearray(path.read_bytes()) if path.exists() else bytearray()
    log = read_log(data)
    if log is None or not log.damaged:
        return False
    order, salts = _order(data), HEADER.unpack_from(data)[4:6]
    running = HEADER.unpack_from(data)[6:8]
    for start in log.starts[: log.durable]:
        struct.pack_into(">2I", data, start + 8, *salts)
        running = _frame_sum(data, start, order, (running[0], running[1]), _page_bytes(data))
        struct.pack_into(">2I", data, start + 16, *running)
    path.write_bytes(data)
    return True


def read_log(data: bytes | bytearray) -> Log | None:
    """The frames of the log's present generation; None for what is no log, or one with a damaged header."""
    if len(data) < HEADER.size or HEADER.unpack_from(data)[0] not in (LITTLE, BIG):
        return None
    order, page_bytes = _order(data), _page_bytes(data)
    *_, salt1, salt2, sum1, sum2 = HEADER.unpack_from(data)
    if _sum(data[: HEADER.size - 8], order, (0, 0)) != (sum1, sum2):
        return None
    size = FRAME.size + page_bytes
    log = Log([], [], [])
    before = (sum1, sum2)
    for start in range(HEADER.size, len(data) - size + 1, size):
        _, pages, *salts, one, other = FRAME.unpack_from(data, start)
        off = _bits_off(salts, (salt1, salt2))
        if off > 1:  # of an earlier generation, which this one has not overwritten yet
            break
        log.starts.append(start)
        log.fits.append(_frame_sum(data, start, order, before, page_bytes) == (one, other) and not off)
        log.commits.append(pages != 0)
        before = (one, other)
    return log


def _bits_off(salts: Iterable[int], right: Iterable[int]) -> int:
    return sum((one ^ other).bit_count() for one, other in zip(salts, right, strict=True))


def _order(data: bytes | bytearray) -> str:
    return "<" if HEADER.unpack_from(data)[0] == LITTLE else ">"


def _page_bytes(data: bytes | bytearray) -> int:
    return int(HEADER.unpack_from(data)[2])


def _frame_sum(data: bytes | bytearray, start: int, order: str, before: Sum, page_bytes: int) -> Sum:
    page = start + FRAME.size
    return _sum(data[start : start + 8] + data[page : page + page_bytes], order, before)


def _sum(data: bytes | bytearray, order: str, before: Sum) -> Sum:
    """The running checksum over pairs of 32-bit words."""
    one, other = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + other) & _WORD
        other = (other + second + one) & _WORD
    return one, other
