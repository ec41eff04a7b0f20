"""Windows on one axis of time, to be asked which of them overlap. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple


class Stretch(NamedTuple):
    """From `begin` to before `end`, ns; without an end it still goes on."""

    begin: int
    end: int | None

    def overlaps(self, other: Stretch) -> bool:
        """Whether the two share any time; one that ends where the other begins does not."""
        return (other.end is None or self.begin < other.end) and (self.end is None or other.begin < self.end)


class Timeline:
    """Named stretches. Asking costs what is found, not what is held, while lengths are alike."""

    def __init__(self) -> None:
        self._held: dict[str, Stretch] = {}
        self._begins: list[tuple[int, str]] = []
        self._open: set[str] = set()
        self._longest = 0

    def place(self, name: str, stretch: Stretch) -> None:
        """Puts a stretch down, in place of the one that had this name."""
        held = self._held.get(name)
        if held is not None:
            del self._begins[bisect_left(self._begins, (held.begin, name))]
        insort(self._begins, (stretch.begin, name))
        self._held[name] = stretch
        if stretch.end is None:
            self._open.add(name)
        else:
            self._open.discard(name)
            self._longest = max(self._longest, stretch.end - stretch.begin)

    def during(self, stretch: Stretch) -> list[str]:
        """The names of those that overlap it, by their begin."""
        first = bisect_left(self._begins, (stretch.begin - self._longest, ""))
        stop = len(self._begins) if stretch.end is None else bisect_left(self._begins, (stretch.end, ""))
        near = self._begins[first:stop]
        near += [(self._held[name].begin, name) for name in self._open]
        return list(dict.fromkeys(name for _, name in sorted(near) if self._held[name].overlaps(stretch)))

    def beside(self, name: str) -> list[str]:
        """The names of those that overlap the stretch of this name."""
        if name not in self._held:
            return []
        return [other for other in self.during(self._held[name]) if other != name]

    def open(self) -> list[str]:
        """The names of those without an end."""
        return sorted(self._open)
