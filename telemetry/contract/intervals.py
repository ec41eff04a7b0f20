"""Sets of whole numbers kept as disjoint inclusive ranges: what a ledger is made of."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Range = tuple[int, int]


class IntervalSet:
    """An immutable set of integers ≥ 0, stored as sorted, disjoint, non-adjacent inclusive ranges."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int] | list[int]] = ()) -> None:
        self.ranges: tuple[Range, ...] = tuple(_merged(ranges))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> IntervalSet:
        """The set of these numbers."""
        return cls((n, n) for n in numbers)

    @classmethod
    def below(cls, end: int) -> IntervalSet:
        """All numbers from 0 up to, not including, `end`."""
        return cls([(0, end - 1)]) if end > 0 else cls()

    @property
    def through(self) -> int:
        """The largest n for which all of 0 … n are in the set; -1 when 0 is not."""
        return self.ranges[0][1] if self.ranges and self.ranges[0][0] == 0 else -1

    def beyond(self, through: int) -> IntervalSet:
        """The part of the set above `through`."""
        return self - IntervalSet.below(through + 1)

    def as_lists(self) -> list[list[int]]:
        """The ranges as the wire carries them: ``[[first, last], …]``."""
        return [[first, last] for first, last in self.ranges]

    def __or__(self, other: IntervalSet) -> IntervalSet:
        return IntervalSet((*self.ranges, *other.ranges))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        return IntervalSet(_subtracted(self.ranges, other.ranges))

    def __and__(self, other: IntervalSet) -> IntervalSet:
        return self - (self - other)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.ranges, (number, float("inf"))) - 1
        return at >= 0 and self.ranges[at][1] >= number

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __repr__(self) -> str:
        words = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in self.ranges)
        return f"IntervalSet({words})"


def _merged(ranges: Iterable[tuple[int, int] | list[int]]) -> Iterator[Range]:
    held: Range | None = None
    for first, last in sorted((r[0], r[1]) for r in ranges):
        if first < 0 or last < first:
            raise ValueError(f"not a range of numbers from 0 up: [{first}, {last}]")
        if held is None:
            held = (first, last)
        elif first <= held[1] + 1:
            held = (held[0], max(held[1], last))
        else:
            yield held
            held = (first, last)
    if held is not None:
        yield held


def _subtracted(ranges: tuple[Range, ...], holes: tuple[Range, ...]) -> Iterator[Range]:
    """Both sorted and disjoint: one walk over the two, whatever their number."""
    hole = 0
    for first, last in ranges:
        at = first
        while hole < len(holes) and holes[hole][0] <= last:
            hole_first, hole_last = holes[hole]
            if hole_first > at:
                yield at, hole_first - 1
            at = max(at, hole_last + 1)
            if hole_last > last:
                break
            hole += 1
        if at <= last:
            yield at, last
