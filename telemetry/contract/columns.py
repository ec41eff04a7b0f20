"""Columns: many numbers as packed little-endian bytes, with the standard library alone.

The agent must stay small and packs here without numpy; readers that have numpy view the same bytes with
``numpy.frombuffer(column, "<i8")`` and so on.
"""

from __future__ import annotations

import operator
import sys
from array import array
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Code = Literal["i", "q", "f", "d"]
SIZE: dict[Code, int] = {"i": 4, "q": 8, "f": 4, "d": 8}
INT32_MAX = 2**31 - 1


def pack(code: Code, numbers: Iterable[float]) -> bytes:
    """Numbers as little-endian int32 (``i``), int64 (``q``), float32 (``f``) or float64 (``d``)."""
    return _little(array(code, numbers)).tobytes()


def unpack(code: Code, column: bytes) -> array[int] | array[float]:
    """The numbers of a packed column. Raises ``ValueError`` when its length is not a multiple of the size."""
    numbers: array[int] | array[float] = array(code)
    numbers.frombytes(column)
    return _little(numbers)


def pack_dt(dt_ns: Sequence[int]) -> bytes:
    """Offsets from a frame's `t0`: int32 while they fit (2.1 s), else int64."""
    return pack("q" if dt_ns and dt_ns[-1] > INT32_MAX else "i", dt_ns)


def unpack_dt(column: bytes, samples: int) -> array[int]:
    """The `samples` offsets of a power frame, whichever of the two widths it travels in."""
    wide = samples and len(column) == SIZE["q"] * samples
    return unpack("q" if wide else "i", column)  # type: ignore[return-value]


def rises(numbers: Sequence[float]) -> bool:
    """Whether each number is above the one before."""
    return all(map(operator.lt, numbers, numbers[1:]))


def pack_bits(bits: Sequence[int]) -> bytes:
    """One bit for each image, least significant first."""
    return sum(1 << at for at, bit in enumerate(bits) if bit).to_bytes((len(bits) + 7) // 8, "little")


def unpack_bits(column: bytes, count: int) -> list[int]:
    """The first `count` bits, each 0 or 1."""
    number = int.from_bytes(column, "little")
    return [number >> at & 1 for at in range(count)]


def _little(numbers: array[int] | array[float]) -> array[int] | array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
