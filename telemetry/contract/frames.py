"""Frames: the five kinds of numbered message that a node spools until they are settled."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from telemetry.contract.columns import unpack_dt
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.marks import Event
from telemetry.contract.topics import FrameKind
from telemetry.contract.units import Count, Interval, Name, NextSeq, Ns, Seq

VERSION = 1


class StreamKey(NamedTuple):
    """One numbered sequence of frames: `stream` is the full name, such as ``power/main``."""

    node: str
    boot: str
    stream: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every frame begins with: `t0` is monotonic ns, `anchor` + `t0` is node time."""

    boot: Name
    seq: Seq
    anchor: Ns
    t0: Ns
    v: int


class PowerFrame(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """n samples of k channels: `dt` int32[n] or int64[n] ns from `t0`, `w` float32[n·k] watts by row."""

    dt: bytes
    tick: Interval
    ch: tuple[str, ...]
    w: bytes
    first: Count
    missed: Count
    counter_j: bytes | None = None

    @property
    def samples(self) -> int:
        """n, the number of samples."""
        return len(self.w) // (4 * len(self.ch))

    @property
    def last(self) -> int:
        """Monotonic ns of the last sample; `t0` when the frame holds none."""
        return self.t0 + unpack_dt(self.dt, self.samples)[-1] if self.dt else self.t0


class MarksFrame(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What ran: events in the order they were marked."""

    events: tuple[Event, ...]


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One ping: `t1`, `t4` monotonic ns of the node, `t2`, `t3` UTC ns of the peer."""

    t1: Ns
    t2: Ns
    t3: Ns
    t4: Ns


class ClockFrame(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What pings to `peer` said of the node's clock."""

    peer: str
    exchanges: tuple[Exchange, ...]


class StreamHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the node says of one of its sequences; `declared_lost` is ``[[first, last, ticks], …]``."""

    boot: Name
    stream: Name
    next_seq: NextSeq
    spooled: tuple[tuple[Seq, Seq], ...]
    declared_lost: tuple[tuple[Seq, Seq, Count], ...]
    ticks: Count
    final: bool


class HealthFrame(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """The node's own account of its frames, and how it fares."""

    streams: tuple[StreamHealth, ...]
    temp_c: dict[str, float] | None = None
    clock_mhz: dict[str, float] | None = None
    util: dict[str, float] | None = None
    fan_rpm: float | None = None
    throttle: tuple[str, ...] | None = None
    mem_used_mib: float | None = None
    spool_bytes: int | None = None
    agent_cpu_s: float | None = None
    agent_rss_mib: float | None = None


class ManifestFrame(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What the node is, from `t0` until the next manifest of its boot."""

    os_boot: str
    device: Device
    software: str
    hash: str
    streams: tuple[StreamInfo, ...]
    power_mode: str | None = None
    os: str | None = None
    jetpack: str | None = None
    driver: str | None = None
    kernel: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    memory_mib: int | None = None
    governor: str | None = None
    clock_limits_mhz: dict[str, tuple[float, float]] | None = None


Frame = PowerFrame | MarksFrame | ClockFrame | HealthFrame | ManifestFrame

FRAME_TYPES: dict[FrameKind, type[Envelope]] = {
    "power": PowerFrame,
    "marks": MarksFrame,
    "clock": ClockFrame,
    "health": HealthFrame,
    "manifest": ManifestFrame,
}
