"""What no single field can tell: lengths that agree, times that rise, names that are known."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from telemetry.contract import frames, marks
from telemetry.contract.columns import SIZE, rises, unpack, unpack_dt
from telemetry.contract.errors import Refused
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import INT64_MAX, INT64_MIN
from telemetry.contract.topics import is_stream, is_stream_name
from telemetry.contract.units import MAX_CHANNELS

_TIMES_MS = ("period_ms", "averaging_window_ms", "delay_ms")
_FACTS = ("resolution_w", "noise_w", "gain_uncertainty", "offset_w_uncertainty", "max_w", "min_w")
_MAX_MS = 1e9
"""Eleven days: no sensor is so slow, and what is no number is not below it."""


def judge(frame: frames.Envelope) -> None:
    """Raises `Refused` when the parts of a frame do not fit together."""
    _fits(frame.anchor, "anchor", 0)
    _fits(frame.t0, "t0", frame.anchor)
    if isinstance(frame, frames.PowerFrame):
        _power(frame)
    elif isinstance(frame, frames.MarksFrame):
        for at, event in enumerate(frame.events):
            _event(event, f"events[{at}]", frame.anchor)
    elif isinstance(frame, frames.ClockFrame):
        for at, exchange in enumerate(frame.exchanges):
            _fits(exchange.t1, f"exchanges[{at}].t1", frame.anchor)
            _fits(exchange.t4, f"exchanges[{at}].t4", frame.anchor)
    elif isinstance(frame, frames.HealthFrame):
        for at, stream in enumerate(frame.streams):
            _health(stream, f"streams[{at}]")
    elif isinstance(frame, frames.ManifestFrame):
        _manifest(frame)


def judge_channels(ch: tuple[str, ...], path: str = "ch") -> None:
    """One to 64 channel names, each once."""
    if not ch:
        raise Refused("field", path, "at least one channel is expected")
    if len(ch) > MAX_CHANNELS:
        raise Refused("size", path, f"{len(ch)} channels; at most {MAX_CHANNELS}")
    if len(set(ch)) != len(ch):
        raise Refused("field", path, "channel names must be unique")


def _power(frame: frames.PowerFrame) -> None:
    judge_channels(frame.ch)
    row = 4 * len(frame.ch)
    if len(frame.w) % row:
        raise Refused("field", "w", f"{len(frame.w)} bytes are no whole rows of {len(frame.ch)} float32")
    n = frame.samples
    if len(frame.dt) not in (4 * n, 8 * n):
        raise Refused("field", "dt", f"{len(frame.dt)} bytes for {n} samples; {4 * n} or {8 * n} expected")
    if frame.counter_j is not None and len(frame.counter_j) != 8 * len(frame.ch):
        raise Refused("field", "counter_j", f"{len(frame.counter_j)} bytes; {8 * len(frame.ch)} expected")
    if not n:
        return
    dt = unpack_dt(frame.dt, n)
    if dt[0] != 0:
        raise Refused("field", "dt[0]", f"the first offset is 0, not {dt[0]}")
    if not rises(dt):
        at = next(i for i in range(1, n) if dt[i] <= dt[i - 1])
        raise Refused("field", f"dt[{at}]", f"{dt[at]} after {dt[at - 1]}: offsets must rise strictly")
    _fits(frame.t0 + dt[-1], "dt", frame.anchor)


def _event(event: marks.Event, path: str, anchor: int) -> None:
    _fits(event.t, f"{path}.t", anchor)
    if isinstance(event, (marks.IdleBegin, marks.IdleEnd)) and event.trial is None and event.group is None:
        raise Refused("field", f"{path}.group", "an idle mark names its trial or its group")
    if isinstance(event, (marks.Batches, marks.Work)):
        _batches(event, path, anchor)
    if isinstance(event, marks.SoakBegin):
        _finite({"plan": event.plan, "left_s": event.left_s}, path)
    if isinstance(event, marks.TrialBegin):
        for part in ("protocol", "context"):
            _finite(msgspec.to_builtins(getattr(event, part)), f"{path}.{part}")
    if isinstance(event, marks.TrialEnd):
        _finite(event.load, f"{path}.load")
        for name in event.power:
            if not is_stream(name.removeprefix("power/")):
                raise Refused("field", f"{path}.power", f"{name!r:.80} is no name of a power stream")


def _finite(value: object, path: str) -> None:
    """No number in it is NaN or infinite: results repeat it, and JSON has no such number."""
    if isinstance(value, dict):
        for name, part in value.items():
            _finite(part, f"{path}.{name}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused("field", path, "a finite number is expected")


def _batches(event: marks.Batches | marks.Work, path: str, anchor: int) -> None:
    if len(event.images) % SIZE["i"]:
        raise Refused("field", f"{path}.images", f"{len(event.images)} bytes are no int32 column")
    m = len(event.images) // SIZE["i"]
    expected = {"begin": 8 * m, "end": 8 * m, "correct": 4 * m}
    for name, size in expected.items():
        column = getattr(event, name)
        if column is not None and len(column) != size:
            raise Refused("field", f"{path}.{name}", f"{len(column)} bytes for {m} batches; {size} expected")
    images = unpack("i", event.images)
    if any(count < 0 for count in images):
        raise Refused("field", f"{path}.images", "a batch has no fewer than 0 images")
    bits = (int(sum(images)) + 7) // 8
    if event.hits is not None and len(event.hits) != bits:
        raise Refused("field", f"{path}.hits", f"{len(event.hits)} bytes; {bits} expected, a bit an image")
    for name in ("begin", "end"):
        for time in unpack("q", getattr(event, name)):
            _fits(time, f"{path}.{name}", anchor)


def _health(stream: frames.StreamHealth, path: str) -> None:
    if not is_stream_name(stream.stream):
        raise Refused("field", f"{path}.stream", "a kind of frame and a stream are expected, as power/main")
    ranges: list[tuple[str, Any]] = [("spooled", stream.spooled), ("declared_lost", stream.declared_lost)]
    for name, rows in ranges:
        for at, row in enumerate(rows):
            if row[1] < row[0]:
                raise Refused("field", f"{path}.{name}[{at}]", f"last {row[1]} lies before first {row[0]}")


def _manifest(frame: frames.ManifestFrame) -> None:
    for at, info in enumerate(frame.streams):
        _stream_info(info, f"streams[{at}]")
    for name, limits in (frame.clock_limits_mhz or {}).items():
        _finite(dict(enumerate(limits)), f"clock_limits_mhz.{name}")


def _stream_info(info: StreamInfo, path: str) -> None:
    judge_channels(info.channels, f"{path}.channels")
    if not is_stream(info.stream):
        raise Refused("field", f"{path}.stream", "1-32 of a-z 0-9 _ - expected")
    if info.total not in info.channels:
        raise Refused("field", f"{path}.total", f"{info.total!r} is none of the channels")
    for name in _TIMES_MS:
        value = getattr(info, name)
        if value is not None and not abs(value) < _MAX_MS:
            raise Refused("field", f"{path}.{name}", f"a time below {_MAX_MS:g} ms is expected")
    for name in _FACTS:
        value = getattr(info, name)
        if value is not None and not math.isfinite(value):
            raise Refused("field", f"{path}.{name}", "a finite number is expected")
    if not info.period_ms > 0:
        raise Refused("field", f"{path}.period_ms", "a period above 0 is expected")


def _fits(time_ns: float, path: str, anchor: int) -> None:
    if not (INT64_MIN <= time_ns <= INT64_MAX and INT64_MIN <= anchor + time_ns <= INT64_MAX):
        raise Refused("field", path, "with the anchor it does not fit 64 bits of nanoseconds")
