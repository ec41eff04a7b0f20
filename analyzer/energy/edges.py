"""A window between marks: power may step where it begins and ends, so nothing is interpolated across.

A trial begins and ends with work, and readings near a mark mix the power on both sides of it: because they
average, because they are held, because their delay is known only so well. Those readings are left out, and
the nearest clean one stands up to the mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints
from analyzer.energy.view import View

# How well a stated delay is known, as a share of the sensor's period.
DELAY_KNOWN = 0.25


@dataclass(frozen=True)
class Course:
    """Power over time as it is integrated; where a window's edges are marks, it may step there.

    ``times_ns`` and ``watts`` reach around the window. ``inside`` are the places of the readings that are
    the window's own; ``begin_s`` and ``end_s`` say for how long a value stands in for readings that were
    left out. ``is_marked`` is false where edges are interpolated.
    """

    times_ns: Ints
    watts: Floats
    inside: slice
    begin_s: float = 0.0
    end_s: float = 0.0
    is_marked: bool = False


def course_of(view: View, clock_u95_ns: int = 0) -> Course:
    """Return the power of a window, cut at its edges where these are marks and readings allow it."""
    clean = _clean(view, _guard_ns(view) + clock_u95_ns) if view.is_marked else None
    if clean is None:
        return Course(view.trace.times_ns, view.trace.watts, view.inside)
    return _between_marks(view, clean)


def _guard_ns(view: View) -> int:
    """Return how far from a mark a stamp must be beyond the half-width of what its reading averages."""
    facts = view.facts
    if not facts.delay_ns:
        return facts.blur_ns + (facts.averaging_ns + facts.period_ns * facts.holds) // 2
    return facts.blur_ns + round(DELAY_KNOWN * facts.period_ns)


class _Clean(NamedTuple):
    """The first and last reading that tell of the window alone; the last one's value stands until `until_ns`.

    Readings within ``half_ns`` of a mark may tell of both of its sides.
    """

    first: int
    last: int
    until_ns: int
    half_ns: int


def _clean(view: View, guard_ns: int) -> _Clean | None:
    """Return which readings are the window's own; None where these are fewer than two.

    A held value seen at s was renewed in the period before: what it averages lies within half_ns of its
    (shifted) stamp. A value seen to change is younger, by no more than a tick.
    """
    times, facts = view.outer.times_ns, view.facts
    held_ns = facts.period_ns if facts.holds else 0
    half_ns = (facts.averaging_ns + held_ns) // 2 + guard_ns
    first = int(np.searchsorted(times, view.begin_ns + half_ns))
    last = int(np.searchsorted(times, view.end_ns - half_ns, "right")) - 1
    if last - first < 1:
        return None
    until_ns = int(times[last])
    if view.is_polled:
        young_ns = (facts.averaging_ns - held_ns) // 2 + view.tick_ns + guard_ns
        fresh = _changes(view, view.begin_ns + young_ns, view.begin_ns + half_ns)
        first = min([first, *fresh[:1].tolist()])
        stale = _changes(view, until_ns + 1, until_ns + held_ns)
        until_ns = min([until_ns + held_ns, *times[stale][:1].tolist()])
    return _Clean(first, last, until_ns, half_ns)


def _between_marks(view: View, clean: _Clean) -> Course:
    """Return the course of a window whose edges are marks."""
    times, watts, begin, end = view.outer.times_ns, view.outer.watts, view.begin_ns, view.end_ns
    first, last = clean.first, clean.last
    before = slice(0, int(np.searchsorted(times, begin - clean.half_ns, "right")))
    after = slice(int(np.searchsorted(times, end + clean.half_ns)), len(times))
    inner = slice(
        max(first, int(np.searchsorted(times, begin, "right"))),
        min(last + 1, int(np.searchsorted(times, end))),
    )
    pieces = [
        (times[before], watts[before]),
        (np.full(int(before.stop > 0), begin - 1), watts[before][-1:]),
        (np.array([begin]), watts[first : first + 1]),
        (times[inner], watts[inner]),
        (np.array([end]), watts[last : last + 1]),
        (np.full(int(after.start < len(times)), end + 1), watts[after][:1]),
        (times[after], watts[after]),
    ]
    at = before.stop + (before.stop > 0) + 1
    return Course(
        times_ns=np.concatenate([stamps for stamps, _ in pieces]),
        watts=np.concatenate([values for _, values in pieces]),
        inside=slice(at, at + inner.stop - inner.start),
        begin_s=max(int(times[first]) - begin, 0) / NS_PER_S,
        end_s=max(end - clean.until_ns, 0) / NS_PER_S,
        is_marked=True,
    )


def _changes(view: View, from_ns: int, to_ns: int) -> Ints:
    """Return the places where a new value appears between two times."""
    start, stop = np.searchsorted(view.outer.times_ns, [from_ns, to_ns], "right").tolist()
    start = max(start, 1)
    watts = view.outer.watts
    new: Ints = np.flatnonzero(watts[start:stop] != watts[start - 1 : max(stop - 1, start - 1)])
    return np.asarray(new + start, np.int64)
