"""Stretches of a soak in which something was not as it should be, each named once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from analyzer.soak.series import WINDOW_NS, Series, Slots, Truths
from telemetry.contract.soak import Episode, EpisodeKind

BRIDGE = 2
"""Windows between two stretches that make them one."""
LATE_S = 900.0
"""A window that is computed later than that after its end was held up on its way."""
LEAST_LATE = 3
"""Fewer late windows in a row may be one that was computed again."""


def episodes_of(series: Series, reports: Sequence[int], happened: Sequence[Episode]) -> list[Episode]:
    """Every episode, by its begin.

    `reports` are the moments (ns, on the axis) at which the node told how it fares: in a stretch without
    windows they tell a silent device from one that only had no work. `happened` are starts and clock steps.
    """
    slots = series.slots
    late = np.array([window.late_s > LATE_S for window in series.windows], bool)
    found = [
        *_runs("throttled", _in_slots(series, series.throttled), slots, lambda run: _held_back(series, run)),
        *_runs("frozen", _in_slots(series, series.frozen), slots, lambda _: "the sensor repeated itself"),
        *(
            e
            for e in _runs("late", _in_slots(series, late), slots, lambda run: _late(series, run))
            if _is_long(e)
        ),
        *_absences(series, reports, happened),
        *happened,
    ]
    return sorted(found, key=lambda episode: (episode.begin, episode.kind))


def absent(series: Series) -> Truths:
    """The slots in which work was due and no window is: bool[slots]."""
    there = np.zeros(len(series.slots), bool)
    there[series.slot] = True
    return series.slots.due & ~there


def _absences(series: Series, reports: Sequence[int], happened: Sequence[Episode]) -> Iterator[Episode]:
    """Stretches without windows; a start of the device or the agent in one explains it."""
    told = np.sort(np.array(reports, np.int64))
    for first, stop in runs_of(absent(series), bridge=0):
        begin, end = series.slots.at(first), series.slots.at(stop)
        count = stop - first
        if any(each.begin < end and begin < each.end + WINDOW_NS for each in happened):
            continue
        # Minutes of a clock that was set lie across the slots: a report at the edge is of a neighbour.
        edge = WINDOW_NS // 2 if count > 1 else 0
        heard = int(np.searchsorted(told, end - edge) - np.searchsorted(told, begin + edge))
        words = f"no work for {count} min, though the device reported {heard} times"
        kind: EpisodeKind = "missing"
        if not heard:
            kind, words = "silent", f"nothing was heard of the device for {count} min"
        yield Episode(kind=kind, begin=begin, end=end, words=words, value=float(count))


def runs_of(true: Truths, bridge: int = BRIDGE) -> list[tuple[int, int]]:
    """Stretches of true, as first and stop; those at most `bridge` apart are one."""
    places = np.flatnonzero(true)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > bridge + 1)
    firsts = [places[0], *places[breaks + 1]]
    lasts = [*places[breaks], places[-1]]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _runs(
    kind: EpisodeKind, true: Truths, slots: Slots, words: Callable[[tuple[int, int]], str]
) -> Iterator[Episode]:
    for first, stop in runs_of(true):
        count = float(true[first:stop].sum())
        yield Episode(
            kind=kind, begin=slots.at(first), end=slots.at(stop), words=words((first, stop)), value=count
        )


def _in_slots(series: Series, true: Truths) -> Truths:
    """What holds of windows, by slot."""
    found = np.zeros(len(series.slots), bool)
    found[series.slot[true]] = True
    return found


def _held_back(series: Series, run: tuple[int, int]) -> str:
    inside = (series.slot >= run[0]) & (series.slot < run[1])
    names = {name for at in np.flatnonzero(inside) for name in series.windows[at].throttle}
    return f"held back by {', '.join(sorted(names))}"


def _late(series: Series, run: tuple[int, int]) -> str:
    inside = (series.slot >= run[0]) & (series.slot < run[1])
    longest = max(series.windows[at].late_s for at in np.flatnonzero(inside))
    return f"the server heard of it up to {longest / 60:.0f} min later; nothing of it is lost"


def _is_long(episode: Episode) -> bool:
    return (episode.value or 0) >= LEAST_LATE
