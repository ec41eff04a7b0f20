"""The replay sensor: a recorded log played in real time, as if the device were here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_node.power import csvlog, ptdaemon
from edge_node.power.logfile import text_lines
from edge_node.power.recording import Recording
from edge_node.power.sensor import Found, SensorError, SensorSpec, read_options
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import to_ns


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is a PTDaemon log or a CSV file; `start_s` skips its beginning; `loop` starts it again."""

    path: str
    tz: str = "UTC"
    start_s: float = 0.0
    loop: bool = False


class ReplaySensor:
    """Each recorded reading is held until the next one was recorded; the first `read` starts the play."""

    counter_every_s = 0.0

    def __init__(self, recording: Recording, options: Options, stream: str = "main") -> None:
        self._recording = recording
        self._name = options.path
        self._loop = options.loop
        first = recording.times_ns[0]
        self._offsets = [t_ns - first for t_ns in recording.times_ns]
        self._length = self._offsets[-1] + recording.tick_ns
        self._start = to_ns(options.start_s)
        if not 0 <= self._start < self._length:
            length_s = self._length / 1e9
            raise UserError(f"{options.path}: start_s {options.start_s} lies outside its {length_s:.0f} s")
        self._began: int | None = None
        self._at = 0
        info = recording.info(stream)
        # A reading that is held for a period is half a period old when it is read, on the average.
        self.info = msgspec.structs.replace(info, holds=True, delay_ms=info.period_ms / 2)

    def __repr__(self) -> str:
        return f"ReplaySensor({self._name}, at {self._at} of {len(self._recording)})"

    def read(self, t_ns: int) -> Sequence[float]:
        if self._began is None:
            self._began = t_ns - self._start
        played = t_ns - self._began
        if played >= self._length:
            played = self._again(t_ns)
        while self._at + 1 < len(self._offsets) and self._offsets[self._at + 1] <= played:
            self._at += 1
        return self._recording.row(self._at)

    def counters_j(self) -> None:
        """A log has none."""

    def close(self) -> None:
        """Nothing is held."""

    def _again(self, t_ns: int) -> int:
        if not self._loop:
            raise SensorError(f"{self._name}: the recording is over after {self._length / 1e9:.0f} s")
        self._began = t_ns
        self._at = 0
        return 0


def read_recording(path: str | Path, tz: str = "UTC") -> Recording:
    """A log of either format, told apart by its first line. Raises `UserError`."""
    first = text_lines(Path(path), f"{ptdaemon.LINE} or {csvlog.EXPECTED}")[0]
    reader = ptdaemon.read if first.startswith("Time,") and ",Watts," in first else csvlog.read
    return reader(path, tz)


def open_sensor(spec: SensorSpec, tick_s: float) -> ReplaySensor:
    """The log that the options name, ready to be played."""
    del tick_s
    options = read_options(spec, Options)
    recording = read_recording(options.path, options.tz)
    if all(map(math.isnan, recording.watts)):
        raise UserError(f"{options.path}: no reading in it, only the meter's error value")
    return ReplaySensor(recording, options, spec.stream)


def find(root: Path) -> Found:
    """Never taken by itself: the readings are of another time."""
    del root
    return Found("replay", None, 'recorded readings, only on request: driver = "replay", path = a log')
