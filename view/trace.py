"""A window's power as a picture needs it: few points, every peak, no line across a gap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.facts import SensorFacts
from analyzer.energy.gaps import JITTER, LONGEST_SHORT, find_gaps
from analyzer.energy.trace import Piece, Trace, join
from analyzer.energy.view import look
from telemetry.contract.columns import unpack_dt
from telemetry.contract.frames import PowerFrame
from telemetry.contract.nodetime import NS_PER_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_POINTS = 2_000
MOST_BATCHES = 500


class Line(NamedTuple):
    """One channel: seconds after the window's begin and watts; None breaks the line."""

    name: str
    at_s: tuple[float | None, ...]
    watts: tuple[float | None, ...]

    @property
    def points(self) -> int:
        """How many readings it shows."""
        return sum(value is not None for value in self.watts)


class Stretch(NamedTuple):
    """A stretch of time, seconds after the window's begin."""

    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Picture:
    """Power from a little before a window to a little after it; the window is 0 to `window_s`.

    `lines` has the total first, then the rails inside it. `long_gaps` are those of more than five spacings:
    they do not count as covered.
    """

    window_s: float
    lines: tuple[Line, ...]
    batches: tuple[Stretch, ...] = ()
    gaps: tuple[Stretch, ...] = ()
    long_gaps: tuple[Stretch, ...] = ()
    samples: int = 0


class Readings(NamedTuple):
    """The frames of a stream, each with the shift of its times into node time, and which channels matter."""

    frames: Sequence[tuple[int, PowerFrame]]
    total: str | None = None
    facts: SensorFacts = SensorFacts()


def picture(
    readings: Readings,
    begin_ns: int,
    end_ns: int,
    batches: Iterable[tuple[int, int]] = (),
    *,
    most: int = MOST_POINTS,
) -> Picture | None:
    """The picture of a window (node time ns); None where not one reading is near it."""
    names = _channels(readings)
    trace = _trace(readings, names).shifted(readings.facts.delay_ns)
    if not len(trace.times_ns):
        return None
    view = look(trace, readings.facts, begin_ns, end_ns)
    gaps = find_gaps(view) if len(view.trace.times_ns) else None
    edges = list(zip(gaps.begin_ns.tolist(), gaps.end_ns.tolist(), strict=True)) if gaps else []
    long = gaps.long.tolist() if gaps else []
    widest_ns = int((LONGEST_SHORT + JITTER) * (view.spacing_ns or np.median(np.diff(trace.times_ns))))
    watts = np.column_stack([trace.watts, trace.parts_w]).astype(np.float64)
    return Picture(
        window_s=(end_ns - begin_ns) / NS_PER_S,
        lines=tuple(
            _line(name, trace.times_ns - begin_ns, watts[:, at], widest_ns, most)
            for at, name in enumerate(names)
        ),
        batches=tuple(_stretches(_joined(sorted(batches), MOST_BATCHES), begin_ns)),
        gaps=tuple(_stretches((e for e, is_long in zip(edges, long, strict=True) if not is_long), begin_ns)),
        long_gaps=tuple(_stretches((e for e, is_long in zip(edges, long, strict=True) if is_long), begin_ns)),
        samples=len(view.watts),
    )


def decimated(times: Ints, watts: Floats, most: int) -> Ints:
    """The places of at most `most` readings: the first, the last, and each bucket's lowest and highest."""
    count = len(watts)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(times[0], times[-1], max(most // 2 - 1, 1) + 1)
    bounds = np.searchsorted(times, edges).tolist()
    bounds[-1] = count
    kept = {0, count - 1}
    for first, stop in pairwise(bounds):
        if stop > first:
            bucket = watts[first:stop]
            kept |= {first + int(bucket.argmin()), first + int(bucket.argmax())}
    return np.array(sorted(kept), np.int64)


def _line(name: str, times: Ints, watts: Floats, widest_ns: int, most: int) -> Line:
    there = np.isfinite(watts)
    times, watts = times[there], watts[there]
    if not len(times):
        return Line(name, (), ())
    breaks = np.flatnonzero(np.diff(times) > widest_ns) + 1
    kept = decimated(times, watts, most)
    # A break right before reading b shows wherever b lies between two kept readings.
    cuts = np.flatnonzero(np.diff(np.searchsorted(breaks, kept, "right")) > 0) + 1
    at_s: list[float | None] = [round(t / NS_PER_S, 5) for t in times[kept].tolist()]
    shown: list[float | None] = [float(f"{w:.5g}") for w in watts[kept].tolist()]
    for cut in reversed(cuts.tolist()):
        at_s.insert(cut, None)
        shown.insert(cut, None)
    return Line(name, tuple(at_s), tuple(shown))


def _channels(readings: Readings) -> tuple[str, ...]:
    """The total first: the manifest's, or where there is none the channel of that name, or the first."""
    names = list(dict.fromkeys(name for _, frame in readings.frames for name in frame.ch))
    total = readings.total if readings.total in names else "total"
    if names and total not in names:
        total = names[0]
    return (total, *(name for name in names if name != total))


def _trace(readings: Readings, names: tuple[str, ...]) -> Trace:
    pieces = (_piece(shift, frame, names) for shift, frame in readings.frames)
    return join(pieces, 0, range(1, len(names)))


def _piece(shift: int, frame: PowerFrame, names: tuple[str, ...]) -> Piece:
    had = np.frombuffer(frame.w, "<f4").reshape(-1, len(frame.ch))
    watts = np.full((len(had), len(names)), np.nan, np.float32)
    for at, name in enumerate(names):
        if name in frame.ch:
            watts[:, at] = had[:, frame.ch.index(name)]
    times = np.array(unpack_dt(frame.dt, len(had)), np.int64) + (frame.t0 + shift)
    return Piece(frame.t0 + shift, times, watts, frame.tick, frame.missed)


def _joined(stretches: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most `most` stretches: neighbours become one where there are more."""
    step = -(-len(stretches) // most) or 1
    groups = [stretches[at : at + step] for at in range(0, len(stretches), step)]
    return [(group[0][0], max(end for _, end in group)) for group in groups]


def _stretches(edges: Iterable[tuple[int, int]], begin_ns: int) -> Iterable[Stretch]:
    return (
        Stretch(round((first - begin_ns) / NS_PER_S, 5), round((last - begin_ns) / NS_PER_S, 5))
        for first, last in edges
    )
