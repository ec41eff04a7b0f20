"""From power frames to one trace of readings. Pure."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.trace import Ints, Piece, Trace, join
from telemetry.contract.columns import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzer.evidence import Power
    from telemetry.contract.frames import PowerFrame
    from telemetry.contract.manifest import StreamInfo

Watts = NDArray[np.float32]

INT32, INT64, FLOAT32 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f4")


def trace_of(power: Power, info: StreamInfo | None) -> Trace:
    """The stream's readings in the window's time base: the total first, then the rails inside it.

    Channels are found by name: another boot may have had others. The total is the manifest's, or where there
    is none the channel of that name, or the first.
    """
    layouts = dict.fromkeys([frame.ch for _, frame in power.frames])
    names = list(dict.fromkeys(name for layout in layouts for name in layout))
    total = info.total if info and info.total in names else "total"
    if names and total not in names:
        total = names[0]
    channels = (total, *(name for name in names if name != total))
    return join(_pieces(power, channels), 0, range(1, len(channels)))


def _pieces(power: Power, channels: tuple[str, ...]) -> list[Piece]:
    """The frames as few pieces: one more where ticks were missed, a counter was read or the tick changes."""
    frames = [frame for _, frame in power.frames]
    if not frames:
        return []
    times, watts, starts = _columns(power, frames, channels)
    later = _first_of_later_boots(power)
    firsts = [0, *_breaks(frames, later), len(frames)]
    pieces: list[Piece] = []
    for first, following in pairwise(firsts):
        shift, frame = power.frames[first]
        inside = slice(starts[first], starts[following])
        piece = Piece(
            t0_ns=frame.t0 + shift,
            times_ns=times[inside],
            watts=watts[inside],
            tick_ns=frame.tick,
            missed=frame.missed,
            counter_j=_counter_j(frames[following - 1], channels[0]),
        )
        pieces += _after_a_break(piece) if (frame.boot, frame.seq) in later else (piece,)
    return pieces


def _breaks(frames: Sequence[PowerFrame], later: set[tuple[str, int]]) -> Iterator[int]:
    """The places of frames that do not go on with the piece of the frame before."""
    for at, (before, frame) in enumerate(pairwise(frames), 1):
        met = later and not later.isdisjoint(((before.boot, before.seq), (frame.boot, frame.seq)))
        if met or before.counter_j or frame.missed or frame.tick != before.tick:
            yield at


def _first_of_later_boots(power: Power) -> set[tuple[str, int]]:
    """Boot and number of the first frame with samples of every boot but the earliest."""
    if len({frame.boot for _, frame in power.frames}) < 2:
        return set()
    firsts: dict[str, tuple[int, int]] = {}
    for shift, frame in power.frames:
        if frame.samples:
            place = (frame.t0 + shift, frame.seq)
            firsts[frame.boot] = min(place, firsts.get(frame.boot, place))
    earliest = min(firsts, key=lambda boot: firsts[boot], default=None)
    return {(boot, seq) for boot, (_, seq) in firsts.items() if boot != earliest}


def _after_a_break(piece: Piece) -> tuple[Piece, Piece]:
    """A boot's first frame, with no tick that speaks for the time before it.

    Nobody counted ticks between two boots, so the time between them is a gap by the sensor's period alone.
    """
    times, watts = np.asarray(piece.times_ns), np.asarray(piece.watts)
    first = piece._replace(times_ns=times[:1], watts=watts[:1], tick_ns=1, counter_j=None)
    return first, piece._replace(times_ns=times[1:], watts=watts[1:], missed=0)


def _counter_j(frame: PowerFrame, channel: str) -> float | None:
    counters = unpack("d", frame.counter_j) if frame.counter_j and channel in frame.ch else None
    return counters[frame.ch.index(channel)] if counters else None


def _columns(
    power: Power, frames: Sequence[PowerFrame], channels: tuple[str, ...]
) -> tuple[Ints, Watts, Sequence[int]]:
    """Stamps and watts of all frames, and where each begins; the last number is where all end.

    Frames that are all alike, as nearly all are, are read in one go: of a million samples most of the time
    goes into what is done for each frame.
    """
    offsets, watts = [frame.dt for frame in frames], [frame.w for frame in frames]
    sizes = list(map(len, offsets))
    row = len(channels)
    if {frame.ch for frame in frames} == {channels} and list(map(len, watts)) == [row * s for s in sizes]:
        counts = np.array(sizes) // INT32.itemsize
        times = np.repeat(np.array([frame.t0 + shift for shift, frame in power.frames], np.int64), counts)
        times += np.frombuffer(b"".join(offsets), INT32)
        columns = np.frombuffer(b"".join(watts), FLOAT32).reshape(-1, row)
        return times, columns, [0, *np.cumsum(counts).tolist()]
    return (
        np.concatenate([_times(shift, frame) for shift, frame in power.frames]),
        np.concatenate([_watts(frame, channels) for frame in frames]),
        list(accumulate((frame.samples for frame in frames), initial=0)),
    )


def _times(shift: int, frame: PowerFrame) -> Ints:
    offsets = np.frombuffer(frame.dt, INT64 if len(frame.dt) == 8 * frame.samples else INT32)
    times: Ints = np.add(offsets, frame.t0 + shift, dtype=np.int64)
    return times


def _watts(frame: PowerFrame, channels: tuple[str, ...]) -> Watts:
    """Watts with these channels as columns; one that the frame has not is NaN, no reading."""
    had = np.frombuffer(frame.w, FLOAT32).reshape(-1, len(frame.ch))
    if frame.ch == channels:
        return had
    wanted = np.full((len(had), len(channels)), np.nan, np.float32)
    for at, name in enumerate(channels):
        if name in frame.ch:
            wanted[:, at] = had[:, frame.ch.index(name)]
    return wanted
