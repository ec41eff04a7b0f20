"""A recorded log of power: its readings in memory, and the same as blocks of frames for an import."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median_high

from edge_node.power.observe import Figures
from edge_node.sampling import Block, FrameBuilder
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S, to_ns


@dataclass(frozen=True)
class Recording:
    """n readings of k channels. `times_ns` int64[n] UTC, strictly rising; `watts` float64[n·k] by row.

    `errors` readings are NaN because the meter said so, `nudged` stamps were equal to the one before and
    stand 1 ns later, `truncated` lines at the end were cut short and are left out. `stated` is what is known
    of the sensor behind the log, `source` the thing that it measured.
    """

    sensor: str
    channels: tuple[str, ...]
    times_ns: array[int]
    watts: array[float]
    errors: int = 0
    nudged: int = 0
    truncated: int = 0
    stated: Figures = field(default_factory=Figures)
    source: str | None = None

    def __len__(self) -> int:
        return len(self.times_ns)

    def __repr__(self) -> str:
        return f"Recording({self.sensor}, {len(self)} readings of {', '.join(self.channels)})"

    def row(self, at: int) -> list[float]:
        """Watts of each channel of reading `at`."""
        width = len(self.channels)
        return self.watts[at * width : (at + 1) * width].tolist()

    @property
    def tick_ns(self) -> int:
        """The usual spacing: the median in three digits, as a log's stamps jitter by milliseconds."""
        gaps = [later - sooner for sooner, later in pairwise(self.times_ns)]
        return round(float(f"{median_high(gaps):.2e}")) if gaps else NS_PER_S

    def info(self, stream: str = "main") -> StreamInfo:
        """The manifest's entry. What neither log nor reader tell of the sensor is not stated."""
        info = StreamInfo(
            stream=stream,
            sensor=self.sensor,
            channels=self.channels,
            total="total" if "total" in self.channels else self.channels[0],
            origin="replayed",
            source=self.source,
            period_ms=self.tick_ns / NS_PER_MS,
        )
        return self.stated.over(info)


def absent(recording: Recording) -> array[int]:
    """How many readings of the usual spacing are not there, before each reading: int64[n].

    A meter that was late writes the lines of several ticks at once after a gap; they are taken off the gap.
    """
    tick = recording.tick_ns
    counts = array("q", bytes(8 * len(recording)))
    owing = 0
    times = recording.times_ns
    for at in range(1, len(recording)):
        ticks = (times[at] - times[at - 1] + tick // 2) // tick
        if ticks > 1:
            counts[at], owing = ticks - 1, at
        elif ticks == 0 and counts[owing] > 0:
            counts[owing] -= 1
    return counts


def blocks(recording: Recording, frame_s: float = 60.0, stream: str = "main") -> Iterator[Block]:
    """The recording as blocks of at most `frame_s`, in order; their times are UTC ns (anchor 0)."""
    tick = recording.tick_ns
    builder = FrameBuilder(stream, recording.channels, tick, max(1, to_ns(frame_s) // tick))
    for at, missing in enumerate(absent(recording)):
        builder.miss(recording.times_ns[at], missing)
        builder.add(recording.times_ns[at], recording.row(at))
        if builder.full:
            yield builder.cut()
    if builder.ticks:
        yield builder.cut()


class RecordingBuilder:
    """Gathers a log's readings; equal stamps are nudged, falling ones are the caller's to refuse."""

    def __init__(self) -> None:
        self.times_ns = array("q")
        self.watts = array("d")
        self.nudged = 0
        self.errors = 0

    def falls(self, t_ns: int) -> bool:
        """Whether a reading at `t_ns` would stand before the last one.

        Nudged stamps reach at most as far into the next millisecond as there are equal lines.
        """
        return bool(self.times_ns) and t_ns < self.times_ns[-1] - self.nudged

    def add(self, t_ns: int, watts: tuple[float, ...]) -> None:
        """One reading; NaN is kept as what it is."""
        if self.times_ns and t_ns <= self.times_ns[-1]:
            t_ns = self.times_ns[-1] + 1
            self.nudged += 1
        self.times_ns.append(t_ns)
        self.watts.extend(watts)

    def recording(self, sensor: str, channels: tuple[str, ...], truncated: int) -> Recording:
        """What was gathered."""
        return Recording(sensor, channels, self.times_ns, self.watts, self.errors, self.nudged, truncated)
