"""The readings of a window as pieces of news: each update of the sensor once, with the time it stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analyzer.energy.edges import Course
from analyzer.energy.gaps import JITTER
from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.trace import Floats, Ints
from analyzer.energy.view import View


@dataclass(frozen=True)
class Cells:
    """n updates inside a window: the stamp at the centre of what each averages (ns), its value (W)."""

    times_ns: Ints
    watts: Floats
    starts_ns: Ints | None = None

    def weights_s(self, begin_ns: int, end_ns: int) -> Floats:
        """Return the seconds of the window that each update stands for; they add up to the window."""
        if self.starts_ns is not None:
            bounds = self.starts_ns[1:]
        else:
            bounds = self.times_ns[:-1] + np.diff(self.times_ns) // 2
        return np.diff(np.concatenate(([begin_ns], bounds, [end_ns]))) / NS_PER_S


def cells_of(view: View, course: Course) -> Cells:
    """Return the updates of a window. A sensor that is polled faster than it updates repeats itself."""
    times, watts = course.times_ns[course.inside], course.watts[course.inside]
    if not view.is_polled or len(times) < 2:
        return Cells(times, watts)
    # A value that stays is as many updates as periods have passed; what a gap hid is none.
    broken = np.diff(times) > (1 + JITTER) * view.spacing_ns
    starts = np.append(0, np.flatnonzero((watts[1:] != watts[:-1]) | broken) + 1)
    stops = np.append(times[starts[1:] - 1], times[-1]) + view.tick_ns
    lengths = stops - times[starts]
    many = np.maximum(np.round(lengths / view.spacing_ns), 1).astype(np.int64)
    many[lengths <= view.spacing_ns + view.tick_ns] = 1
    nth = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    begun = np.repeat(times[starts], many) + (nth * np.repeat(lengths / many, many)).astype(np.int64)
    bounds = begun.copy()
    # Half of a gap is that of the value after it.
    late = np.cumsum(many[:-1])[broken[starts[1:] - 1]]
    at = starts[1:][broken[starts[1:] - 1]]
    bounds[late] = times[at - 1] + (times[at] - times[at - 1]) // 2
    return Cells(begun + (view.spacing_ns - view.tick_ns) // 2, np.repeat(watts[starts], many), bounds)


def bridged(course: Course, view: View) -> Course:
    """Return the course of a held value whose gaps are split: the later half is the next value's."""
    times = course.times_ns
    if not view.is_polled:
        return course
    gaps = np.flatnonzero(np.diff(times) > (1 + JITTER) * view.spacing_ns)
    if not len(gaps):
        return course
    middles = times[gaps] + (times[gaps + 1] - times[gaps]) // 2
    return replace(
        course,
        times_ns=np.insert(times, gaps + 1, middles),
        watts=np.insert(course.watts, gaps + 1, course.watts[gaps + 1]),
    )
