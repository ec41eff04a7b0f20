"""From power frames to one trace of readings. Pure."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.trace import Ints, Piece, Trace, join
from telemetry.contract.columns import unpack

if TYPE_CHECKING:
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
    names = list(dict.fromkeys(name for _, frame in power.frames for name in frame.ch))
    total = info.total if info and info.total in names else "total"
    if names and total not in names:
        total = names[0]
    channels = (total, *(name for name in names if name != total))
    later = _first_of_later_boots(power)
    pieces: list[Piece] = []
    together = _together(power, channels)
    for at, (shift, frame) in enumerate(power.frames):
        times, watts = together[at] if together else (_times(shift, frame), _watts(frame, channels))
        piece = _piece(shift, frame, channels, times, watts)
        pieces += _after_a_break(piece) if (frame.boot, frame.seq) in later else (piece,)
    return join(pieces, 0, range(1, len(channels)))


def _first_of_later_boots(power: Power) -> set[tuple[str, int]]:
    """Boot and number of the first frame with samples of every boot but the earliest."""
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


def _piece(shift: int, frame: PowerFrame, channels: tuple[str, ...], times: Ints, watts: Watts) -> Piece:
    counters = unpack("d", frame.counter_j) if frame.counter_j and channels[0] in frame.ch else None
    return Piece(
        t0_ns=frame.t0 + shift,
        times_ns=times,
        watts=watts,
        tick_ns=frame.tick,
        missed=frame.missed,
        counter_j=counters[frame.ch.index(channels[0])] if counters else None,
    )


def _together(power: Power, channels: tuple[str, ...]) -> list[tuple[Ints, Watts]]:
    """Stamps and watts of frames that are all alike (as nearly all are), read in one go; none where not."""
    frames = [frame for _, frame in power.frames]
    counts = [frame.samples for frame in frames]
    if any(f.ch != channels or len(f.dt) != 4 * n for f, n in zip(frames, counts, strict=True)):
        return []
    begins = [frame.t0 + shift for shift, frame in power.frames]
    times = np.repeat(np.array(begins, np.int64), counts)
    times += np.frombuffer(b"".join(frame.dt for frame in frames), INT32)
    watts = np.frombuffer(b"".join(frame.w for frame in frames), FLOAT32).reshape(-1, len(channels))
    stops = list(accumulate(counts))
    return [(times[stop - n : stop], watts[stop - n : stop]) for stop, n in zip(stops, counts, strict=True)]


def _times(shift: int, frame: PowerFrame) -> Ints:
    offsets = np.frombuffer(frame.dt, INT64 if len(frame.dt) == 8 * frame.samples else INT32)
    times: Ints = np.add(offsets, frame.t0 + shift, dtype=np.int64)
    return times


def _watts(frame: PowerFrame, channels: tuple[str, ...]) -> Watts:
    watts = np.frombuffer(frame.w, FLOAT32).reshape(-1, len(frame.ch))
    return watts if frame.ch == channels else _columns(frame.ch, watts, channels)


def _columns(had: tuple[str, ...], watts: Watts, channels: tuple[str, ...]) -> Watts:
    """Watts with these channels as columns; one that the frame has not is NaN, no reading."""
    wanted = np.full((len(watts), len(channels)), np.nan, np.float32)
    for at, name in enumerate(channels):
        if name in had:
            wanted[:, at] = watts[:, had.index(name)]
    return wanted
