"""The readings of one power stream as columns in time order, joined from any number of frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Piece(NamedTuple):
    """One frame's columns: n stamps (ns, all pieces in one time base) and watts as n × k channels.

    ``t0_ns`` is where the frame begins; its ``missed`` ticks count there, to the length of a frame.
    ``counter_j`` is the total channel's hardware counter at the frame's last sample.
    """

    t0_ns: int
    times_ns: ArrayLike
    watts: ArrayLike
    tick_ns: int
    missed: int = 0
    counter_j: float | None = None


@dataclass(frozen=True)
class Trace:
    """n readings of the total channel: stamps strictly rise, watts are finite.

    ``tick_ns`` is the sampling interval in force at each reading. ``lost_at_ns`` and ``lost`` say where how
    many ticks gave no reading. ``parts_w`` (n × p) are the rails inside the total, NaN where a rail had no
    reading. ``counter_at_ns`` and ``counter_j`` are the hardware counter. ``repeated`` counts the readings
    left out because their stamp was there before.
    """

    times_ns: Ints
    watts: Floats
    tick_ns: Ints
    lost_at_ns: Ints
    lost: Ints
    parts_w: Floats | NDArray[np.float32]
    counter_at_ns: Ints
    counter_j: Floats
    repeated: int = 0

    def shifted(self, delay_ns: int) -> Trace:
        """Return the trace with its readings stamped earlier: a value's centre is older than its stamp.

        A counter has no averaging window, so its stamps stay.
        """
        if not delay_ns:
            return self
        return replace(self, times_ns=self.times_ns - delay_ns, lost_at_ns=self.lost_at_ns - delay_ns)

    def inside(self, begin_ns: int, end_ns: int) -> slice:
        """Return the slice of the readings from `begin_ns` to `end_ns`, both included."""
        return _within(self.times_ns, begin_ns, end_ns)

    def around(self, begin_ns: int, end_ns: int) -> Trace:
        """Return the readings inside, and one more on either side where there is one."""
        inside = self.inside(begin_ns, end_ns)
        keep = slice(max(inside.start - 1, 0), inside.stop + 1)
        return replace(
            self,
            times_ns=self.times_ns[keep],
            watts=self.watts[keep],
            tick_ns=self.tick_ns[keep],
            parts_w=self.parts_w[keep],
        )

    def missed(self, begin_ns: int, end_ns: int) -> int:
        """Return how many ticks between the two times gave no reading."""
        return int(self.lost[_within(self.lost_at_ns, begin_ns, end_ns)].sum())


def join(pieces: Iterable[Piece], total: int = 0, parts: Sequence[int] = ()) -> Trace:
    """Return the trace of frames in any order.

    `total` and `parts` are the channels' indices. A reading of the total that is NaN or infinite is none: it
    is dropped and counted as lost. Of readings with one stamp the smallest stays, so that no order of
    arrival shows.
    """
    frames = list(pieces)
    columns = [np.asarray(frame.times_ns, np.int64) for frame in frames]
    times = columns[0] if len(columns) == 1 else np.concatenate([np.empty(0, np.int64), *columns])
    watts = _watts(frames, (total, *parts))
    ticks = np.repeat(_ints(frame.tick_ns for frame in frames), _ints(map(len, columns)))
    total_w = np.array(watts[:, 0], np.float64)
    readable = np.isfinite(total_w)
    keep = _rising(times, total_w, readable)
    lost_at, lost = _losses(frames, times[~readable])
    counter_at, counter_j = _counters(frames, columns)
    return Trace(
        times_ns=times[keep],
        watts=total_w[keep],
        tick_ns=ticks[keep],
        lost_at_ns=lost_at,
        lost=lost,
        parts_w=watts[keep, 1:],
        counter_at_ns=counter_at,
        counter_j=counter_j,
        repeated=int(np.count_nonzero(readable)) - len(times[keep]),
    )


def _watts(frames: list[Piece], channels: tuple[int, ...]) -> Floats | NDArray[np.float32]:
    """Return the chosen channels, n × k, as exact as they came (frames bring 32 bits)."""
    rows = [np.asarray(frame.watts) for frame in frames if np.size(frame.watts)]
    if not rows:
        return np.empty((0, len(channels)))
    whole = rows[0] if len(rows) == 1 else np.concatenate(rows)
    return whole if channels == tuple(range(whole.shape[1])) else whole[:, list(channels)]


def _rising(times: Ints, watts: Floats, readable: NDArray[np.bool_]) -> Ints | slice:
    """Return which readings to keep, in strictly rising order (all as they are, in the usual case)."""
    if bool(readable.all()) and bool(np.all(times[1:] > times[:-1])):
        return slice(None)
    found = np.flatnonzero(readable)
    order: Ints = found[np.lexsort((watts[found], times[found]))]
    return order[np.diff(times[order], prepend=times[order[:1]] - 1) > 0]


def _losses(frames: list[Piece], unread_ns: Ints) -> tuple[Ints, Ints]:
    short = [frame for frame in frames if frame.missed]
    at = np.concatenate([_ints(frame.t0_ns for frame in short), unread_ns])
    lost = np.concatenate([_ints(frame.missed for frame in short), np.ones(len(unread_ns), np.int64)])
    order = np.argsort(at, kind="stable")
    return at[order], lost[order]


def _counters(frames: list[Piece], columns: list[Ints]) -> tuple[Ints, Floats]:
    known = [
        (int(times[-1]), frame.counter_j)
        for frame, times in zip(frames, columns, strict=True)
        if len(times) and frame.counter_j is not None and np.isfinite(frame.counter_j)
    ]
    known.sort()
    return _ints(at for at, _ in known), np.array([joules for _, joules in known], np.float64)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _within(times: Ints, begin_ns: int, end_ns: int) -> slice:
    return slice(
        int(np.searchsorted(times, begin_ns, "left")),
        int(np.searchsorted(times, end_ns, "right")),
    )
