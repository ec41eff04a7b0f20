"""What the agent and its sampler say to each other: MessagePack maps with a length in front, over pipes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from edge_node.power.sensor import SensorSpec
from edge_node.sampling import Block
from telemetry.contract.manifest import StreamInfo

LENGTH = struct.Struct("<I")


class Start(msgspec.Struct, frozen=True, tag=True):
    """The first word to the sampler: what to sample, and how often at rest and in trials."""

    specs: tuple[SensorSpec, ...]
    watch_hz: float
    trial_hz: float


class Rate(msgspec.Struct, frozen=True, tag=True):
    """From now on the trial rate, or the watch rate."""

    trial: bool


class Flush(msgspec.Struct, frozen=True, tag=True):
    """Cut each stream's frame as soon as it reaches monotonic `t`."""

    t: int


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Hand over what there is, and end."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The sampler's first word: its streams, in the order of the specs. Sampling begins."""

    streams: tuple[StreamInfo, ...]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Its first word when it cannot begin. `user`: the spec is wrong, else the sensor."""

    words: str
    user: bool


class Note(msgspec.Struct, frozen=True, tag=True):
    """Something a person should know of a stream, said once."""

    stream: str
    words: str


Order = Start | Rate | Flush | Stop
Report = Ready | Failed | Note | Block

_encoder = msgspec.msgpack.Encoder()
orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def pack(message: Order | Report) -> bytes:
    """A message with its length in front."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class Unpacker:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that `data` completes."""
        self._held += data
        while len(self._held) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._held)[0]
            if len(self._held) < end:
                return
            body = bytes(self._held[LENGTH.size : end])
            del self._held[:end]
            yield body
