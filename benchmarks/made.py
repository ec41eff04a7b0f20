"""Made frames: what an agent would send, and the same readings as one message or row for each sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import Encoding, encode
from telemetry.contract.frames import VERSION, Envelope, PowerFrame, StreamKey
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_S

CHANNELS = ("total", "gpu", "soc", "cpu")
SAMPLES = 250
VALUES = SAMPLES * len(CHANNELS)
ANCHOR = 1_750_000_000 * NS_PER_S
POWER = StreamKey("bench", "boot-0", "power/main")
TICK = 1_000_000
STREAM = StreamInfo(
    stream="main", sensor="bench", channels=CHANNELS, total="total", origin="synthetic", period_ms=1.0
)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The obvious message: one sample with its time and its watts."""

    node: str
    t: int
    w: dict[str, float]


def power(seq: int, *, boot: str = POWER.boot, samples: int = SAMPLES, tick: int = TICK) -> PowerFrame:
    """Frame `seq` of a stream that began at 0 and has no gap."""
    t0 = seq * samples * tick
    return PowerFrame(
        v=VERSION,
        boot=boot,
        seq=seq,
        anchor=ANCHOR,
        t0=t0,
        dt=pack_dt([at * tick for at in range(samples)]),
        tick=tick,
        ch=CHANNELS,
        w=pack("f", _watts(seq, samples)),
        first=seq * samples,
        missed=0,
    )


def _watts(seq: int, samples: int) -> list[float]:
    """A wave with a rail for each channel, and digits that do not repeat."""
    totals = (
        10 + 4 * math.sin(0.037 * (seq * samples + at)) + (at * 7919 % 97) / 500 for at in range(samples)
    )
    return [total * share for total in totals for share in (1.0, 0.5, 0.3, 0.2)]


def samples_of(frame: PowerFrame) -> list[Sample]:
    """The same readings, one by one."""
    return [
        Sample(node=POWER.node, t=int(t), w=dict(zip(CHANNELS, watts, strict=True)))
        for t, *watts in rows_of(frame)
    ]


def rows_of(frame: PowerFrame) -> list[tuple[float, ...]]:
    """The same readings as rows: node time ns, and watts by channel."""
    k = len(frame.ch)
    watts = memoryview(frame.w).cast("f").tolist()
    offsets = memoryview(frame.dt).cast("i").tolist()
    begin = frame.anchor + frame.t0
    return [(begin + offset, *watts[at * k : at * k + k]) for at, offset in enumerate(offsets)]


def payload(frame: Envelope, encoding: Encoding = "msgpack") -> bytes:
    """The frame as it travels."""
    return encode(frame, encoding)


def arrived(frames: Sequence[Envelope], stream: str = POWER.stream, node: str = POWER.node) -> list[Received]:
    """The frames as the collector has them after the intake."""
    found = [receive(f"e3p/v1/{node}/{stream}", encode(frame)) for frame in frames]
    return [each for each in found if isinstance(each, Received)]
