"""A window between marks: power may step where it begins and ends, so nothing is interpolated across.

A trial begins and ends with work, and readings near a mark mix the power on both sides of it: because they
average, because they are held, because their delay is known only so well. Those readings are left out, and
the nearest clean one stands up to the mark.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    near = view.trace
    plain = Course(near.times_ns, near.watts, view.inside)
    if not view.is_marked:
        return plain
    return _between_marks(view, _guard_ns(view) + clock_u95_ns) or plain


def _guard_ns(view: View) -> int:
    """Return how far from a mark a stamp must be beyond the half-width of what its reading averages."""
    facts = view.facts
    if not facts.delay_ns:
        return (facts.averaging_ns + facts.period_ns * facts.holds) // 2
    return round(DELAY_KNOWN * facts.period_ns)


def _between_marks(view: View, guard_ns: int) -> Course | None:
    """Return the course of a window whose edges are marks, or None where too few readings are clean.

    A held value seen at s was renewed in the period before: what it averages lies within half_ns of its
    (shifted) stamp. A value seen to change is younger, by no more than a tick.
    """
    times, watts, facts = view.outer.times_ns, view.outer.watts, view.facts
    held_ns = facts.period_ns if facts.holds else 0
    half_ns = (facts.averaging_ns + held_ns) // 2 + guard_ns
    begin, end = view.begin_ns, view.end_ns
    first = int(np.searchsorted(times, begin + half_ns))
    last = int(np.searchsorted(times, end - half_ns, "right")) - 1
    until = int(times[last])
    if view.is_polled:
        young_ns = (facts.averaging_ns - held_ns) // 2 + view.tick_ns + guard_ns
        first = min([first, *_changes(view, begin + young_ns, begin + half_ns)[:1]])
        until += held_ns
        until = min([until, *times[_changes(view, int(times[last]) + 1, until)][:1].tolist()])
    if last - first < 1:
        return None
    inner = slice(int(np.searchsorted(times, begin, "right")), int(np.searchsorted(times, end)))
    inner = slice(max(first, inner.start), min(last + 1, inner.stop))
    before = slice(0, int(np.searchsorted(times, begin - half_ns, "right")))
    after = slice(int(np.searchsorted(times, end + half_ns)), len(times))
    pieces = [
        (times[before], watts[before]),
        (np.full(int(before.stop > 0), begin - 1), watts[before][-1:]),
        (np.array([begin]), watts[first : first + 1]),
        (times[inner], watts[inner]),
        (np.array([end]), watts[last : last + 1]),
        (np.full(int(after.start < len(times)), end + 1), watts[after][:1]),
        (times[after], watts[after]),
    ]
    at = before.stop + (before.stop > 0)
    return Course(
        times_ns=np.concatenate([stamps for stamps, _ in pieces]),
        watts=np.concatenate([values for _, values in pieces]),
        inside=slice(at + 1, at + 1 + max(inner.stop - inner.start, 0)),
        begin_s=max(int(times[first]) - begin, 0) / NS_PER_S,
        end_s=max(end - until, 0) / NS_PER_S,
        is_marked=True,
    )


def _changes(view: View, from_ns: int, to_ns: int) -> Ints:
    """Return the places where a new value appears between two times."""
    start, stop = np.searchsorted(view.outer.times_ns, [from_ns, to_ns], "right").tolist()
    start = max(start, 1)
    watts = view.outer.watts
    new: Ints = np.flatnonzero(watts[start:stop] != watts[start - 1 : max(stop - 1, start - 1)])
    return np.asarray(new + start, np.int64)
