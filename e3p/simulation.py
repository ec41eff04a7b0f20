"""A simulated node: what the contract asks of one, with power of a known waveform made in advance (pure).

Its total is a sine of 4 W around 10 W that repeats every eight frames; the rails share it evenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from e3p.dispatch import Dispatch, Held
from edge_node.boots import Boot
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.encode import encode
from telemetry.contract.frames import VERSION, Frame, HealthFrame, ManifestFrame, PowerFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.replies import Stored

MANIFEST, HEALTH, POWER = "manifest/node", "health/agent", "power/main"
FRAME_S = 0.25
MEAN_W, AMPLITUDE_W = 10.0, 4.0
PERIOD_FRAMES = 8
SOFTWARE = "e3p simulate"
KIND = "simulated"


class Waveform:
    """The columns of all power frames: `rate_hz` samples a second of `channels` channels."""

    def __init__(self, rate_hz: float, channels: int) -> None:
        self.tick_ns = round(NS_PER_S / rate_hz)
        self.samples = max(1, round(FRAME_S * rate_hz))
        self.frame_ns = self.samples * self.tick_ns
        self.channels = ("total", *(f"rail{at}" for at in range(1, channels)))
        self.dt = pack_dt([at * self.tick_ns for at in range(self.samples)])
        self.watts = [pack("f", self._rows(at)) for at in range(PERIOD_FRAMES)]

    def _rows(self, frame: int) -> list[float]:
        period = self.samples * PERIOD_FRAMES
        rails = len(self.channels) - 1
        rows: list[float] = []
        for at in range(frame * self.samples, (frame + 1) * self.samples):
            total = MEAN_W + AMPLITUDE_W * math.sin(2 * math.pi * at / period)
            rows += [total, *[total / rails] * rails]
        return rows

    def stream(self) -> StreamInfo:
        """What the manifest says of it."""
        return StreamInfo(
            stream=POWER.partition("/")[2],
            sensor="simulated",
            channels=self.channels,
            total=self.channels[0],
            origin="synthetic",
            period_ms=self.tick_ns / 1e6,
        )


@dataclass
class SimulatedNode:
    """One node in one boot. Bodies of power are made anew for each sending, so that a backlog is light."""

    name: str
    boot: Boot
    waveform: Waveform
    dispatch: Dispatch = field(init=False)
    _begin_ns: int = 0
    _bodies: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dispatch = Dispatch(self.boot.id)
        self._power = PowerFrame(
            **self._stamp(0, 0),
            dt=self.waveform.dt,
            tick=self.waveform.tick_ns,
            ch=self.waveform.channels,
            w=self.waveform.watts[0],
            first=0,
            missed=0,
        )
        self._size_bytes = len(encode(self._power))

    def begin(self, begin_ns: int) -> None:
        """The first sample comes at `begin_ns` (monotonic); the manifest before it."""
        self._begin_ns = begin_ns
        info = self.waveform.stream()

        def make(seq: int) -> ManifestFrame:
            return ManifestFrame(
                **self._stamp(seq, begin_ns),
                os_boot=self.boot.os_boot,
                device=Device(kind=KIND),
                software=SOFTWARE,
                hash=f"{KIND}-{info.period_ms:g}-{len(info.channels)}",
                streams=(info,),
            )

        self._put(MANIFEST, make)

    def make_power(self) -> None:
        """The next frame of power."""
        self.dispatch.put(POWER, self._size_bytes, self.waveform.samples)

    def make_health(self, now_ns: int, *, closing: bool = False) -> None:
        """The node's account of its frames; `closing` is its last word."""

        def make(seq: int) -> HealthFrame:
            streams = self.dispatch.accounts.report(self.boot.id, closing=closing)
            return HealthFrame(**self._stamp(seq, now_ns), streams=streams)

        self._put(HEALTH, make)

    def payload(self, frame: Held) -> bytes:
        """A frame as it is sent, the same each time."""
        if frame.id in self._bodies:
            return self._bodies[frame.id]
        return encode(
            replace(
                self._power,
                seq=frame.seq,
                t0=self._begin_ns + frame.seq * self.waveform.frame_ns,
                first=frame.seq * self.waveform.samples,
                w=self.waveform.watts[frame.seq % PERIOD_FRAMES],
            )
        )

    def settle(self, stored: Stored) -> list[Held]:
        """The frames that the collector has now, and had not before."""
        gone = self.dispatch.settle(stored)
        for frame in gone:
            self._bodies.pop(frame.id, None)
        return gone

    def _put(self, stream: str, make: Callable[[int], Frame]) -> None:
        """A frame that counts itself: it is made after it has its number. Its size is a guess until then."""
        frame = self.dispatch.put(stream, 1024)
        self._bodies[frame.id] = encode(make(frame.seq))

    def _stamp(self, seq: int, t0: int) -> dict[str, Any]:
        return {"v": VERSION, "boot": self.boot.id, "seq": seq, "anchor": self.boot.anchor, "t0": t0}
