"""Powers with a known integral, and traces of them as a sensor at fixed ticks would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.energy import Piece, SensorFacts, Trace, join

Floats = NDArray[np.float64]
Wave = Callable[[Floats], Floats]

MS = 1_000_000
S = 1_000_000_000
# Like node time: a float of this size knows only every 256th nanosecond.
START = 1_700_000_000_123_456_789


def ns(seconds: float) -> int:
    return START + round(seconds * S)


def stamps(begin_s: float, end_s: float, tick_ms: float) -> NDArray[np.int64]:
    return np.arange(ns(begin_s), ns(end_s) + 1, round(tick_ms * MS), dtype=np.int64)


def seconds(times: NDArray[np.int64]) -> Floats:
    return (times - START) / S


def trace_of(wave: Wave, begin_s: float, end_s: float, tick_ms: float) -> Trace:
    times = stamps(begin_s, end_s, tick_ms)
    return trace_at(times, wave(seconds(times)), tick_ms)


def trace_at(times: NDArray[np.int64], watts: Floats, tick_ms: float, **more: Any) -> Trace:
    rows = np.asarray(watts, np.float64).reshape(len(times), -1)
    parts = range(1, rows.shape[1])
    return join([Piece(int(times[0]), times, rows, round(tick_ms * MS), **more)], parts=parts)


def constant(power_w: float) -> Wave:
    return lambda t: np.full(len(t), power_w)


def square(low_w: float, high_w: float, period_s: float, duty: float, phase_s: float = 0.0) -> Wave:
    return lambda t: np.where((t + phase_s) % period_s < duty * period_s, high_w, low_w)


def without(trace: Trace, begin_s: float, end_s: float, tick_ms: float) -> Trace:
    """The trace without its readings strictly between the two times."""
    keep = (trace.times_ns <= ns(begin_s)) | (trace.times_ns >= ns(end_s))
    return trace_at(trace.times_ns[keep], trace.watts[keep], tick_ms)


FAST = SensorFacts(period_ns=MS)
