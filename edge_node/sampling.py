"""When to sample, and how samples become frames. Pure: times are passed in, nothing is read or awaited.

Every tick is accounted for: it is a sample or it is missed, in one frame, and `first` numbers the ticks of
a stream through all its frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from telemetry.contract.columns import pack, pack_dt, unpack_dt
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S

FAST_FRAME_NS = 250 * NS_PER_MS
SLOW_FRAME_NS = NS_PER_S
# From this rate on a frame is short: a trial's end is soon told, and a lost frame is a small hole.
FAST_TICK_NS = 10 * NS_PER_MS


class Block(msgspec.Struct, frozen=True, tag=True):
    """A power frame before it has a boot and a number: n samples of k channels.

    `t0` is monotonic ns; `dt`, `w` and `counter_j` are packed as in `PowerFrame`.
    """

    stream: str
    t0: int
    dt: bytes
    tick: int
    ch: tuple[str, ...]
    w: bytes
    first: int
    missed: int
    counter_j: bytes | None

    @property
    def samples(self) -> int:
        """n, the number of samples."""
        return len(self.w) // (4 * len(self.ch))

    @property
    def last(self) -> int:
        """Monotonic ns of the last sample; `t0` where there is none."""
        if not self.samples:
            return self.t0
        width = len(self.dt) // self.samples
        return self.t0 + unpack_dt(self.dt[-width:], 1)[0]

    @property
    def ticks(self) -> int:
        """How many ticks the block accounts for."""
        return self.samples + self.missed


def tick_ns(rate_hz: float) -> int:
    """The sampling interval of a rate."""
    return round(NS_PER_S / rate_hz)


def frame_ticks(tick: int) -> int:
    """How many ticks a frame has: 250 ms at high rates, a second at low ones, at least one tick."""
    return max(1, (FAST_FRAME_NS if tick <= FAST_TICK_NS else SLOW_FRAME_NS) // tick)


class Schedule:
    """Tick k is due at `start + k·tick`, whatever happened before. What was slept through is skipped."""

    __slots__ = ("due_ns", "tick_ns")

    def __init__(self, start_ns: int, tick: int) -> None:
        self.due_ns = start_ns
        self.tick_ns = tick

    def __repr__(self) -> str:
        return f"Schedule(due {self.due_ns} ns, every {self.tick_ns} ns)"

    def take(self, now_ns: int) -> int:
        """Takes the latest tick that is due at `now_ns`; says how many before it were missed."""
        late = (now_ns - self.due_ns) // self.tick_ns
        if late <= 0:
            self.due_ns += self.tick_ns
            return 0
        self.due_ns += (late + 1) * self.tick_ns
        return late


class FrameBuilder:
    """Gathers one stream's ticks until the frame has no `room` or someone waits; `cut` gives the block."""

    def __init__(self, stream: str, channels: tuple[str, ...], tick: int, ticks_a_frame: int) -> None:
        self.stream = stream
        self.channels = channels
        self.nudged = 0
        self._width = len(channels)
        self._tick = tick
        self._frame_ticks = self.room = ticks_a_frame
        self._first = 0
        self._missed = 0
        self._t0 = 0
        self._last = -(2**63)
        self._times: list[int] = []
        self._watts: list[float] = []

    def __repr__(self) -> str:
        return f"FrameBuilder({self.stream}, {len(self._times)} samples, {self._missed} missed)"

    @property
    def ticks(self) -> int:
        """How many ticks wait for the next cut."""
        return len(self._times) + self._missed

    @property
    def full(self) -> bool:
        """Whether the frame has its length."""
        return self.room <= 0

    @property
    def last_ns(self) -> int:
        """The stamp of the last sample, or of the last frame's begin where that held none."""
        return self._last

    def add(self, t_ns: int, watts: Sequence[float]) -> None:
        """A sample of k watts. A stamp that does not rise stands 1 ns after the last one, and is counted."""
        if len(watts) != self._width:
            raise ValueError(f"{self.stream}: {len(watts)} readings for {self._width} channels")
        if t_ns <= self._last:
            t_ns = self._last + 1
            self.nudged += 1
        self._last = t_ns
        self._times.append(t_ns)
        self._watts += watts
        self.room -= 1

    def miss(self, t_ns: int, ticks: int) -> None:
        """As many ticks, seen at `t_ns`, gave no sample."""
        if ticks and not self._missed:
            self._t0 = t_ns
        self._missed += ticks
        self.room -= ticks

    def cut(self, counters_j: Sequence[float] | None = None) -> Block:
        """What was gathered since the last cut, which begins the next frame. `counters_j` as of now."""
        times = self._times
        t0 = times[0] if times else max(self._t0, self._last + 1)
        self._last = times[-1] if times else t0
        block = Block(
            stream=self.stream,
            t0=t0,
            dt=pack_dt([t_ns - t0 for t_ns in times]),
            tick=self._tick,
            ch=self.channels,
            w=pack("f", self._watts),
            first=self._first,
            missed=self._missed,
            counter_j=None if counters_j is None or not times else pack("d", counters_j),
        )
        self._first += len(times) + self._missed
        self._missed = 0
        self._times = []
        self._watts = []
        self.room = self._frame_ticks
        return block

    def retune(self, tick: int) -> None:
        """Another sampling interval, from the next frame on. What waits must have been cut."""
        if self.ticks:
            raise ValueError(f"{self.stream}: {self.ticks} ticks of the old rate wait to be cut")
        self._tick = tick
        self._frame_ticks = self.room = frame_ticks(tick)


class Losses:
    """Blocks that nobody could take. Their ticks come back as missed ones of the next that gets through."""

    def __init__(self) -> None:
        self._lost: dict[str, Block] = {}

    def drop(self, block: Block) -> None:
        """This block, with all it accounts for, is gone."""
        self._lost[block.stream] = self.amend(block)

    def amend(self, block: Block) -> Block:
        """The block as it must be sent: with the ticks of the dropped ones before it."""
        lost = self._lost.pop(block.stream, None)
        if lost is None:
            return block
        return msgspec.structs.replace(block, first=lost.first, missed=lost.ticks + block.missed)

    def leftover(self) -> list[Block]:
        """Empty blocks that account for what was dropped since the last one that got through."""
        rest = [_emptied(block) for block in self._lost.values()]
        self._lost = {}
        return rest


def _emptied(block: Block) -> Block:
    return msgspec.structs.replace(block, dt=b"", w=b"", counter_j=None, missed=block.ticks)
