"""A line without a broker, with a broker's vices: frames come twice, late, in another order, or not at all.

It stands where MQTT stands on both sides: the real publisher sends into it, the real collector takes from
it and answers through it. What it did is known, which no broker would tell.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import msgspec

from telemetry.contract.decode import Received, decode_message, receive
from telemetry.contract.frames import StreamKey
from telemetry.contract.payload import is_json
from telemetry.contract.replies import Stored, StoredStream
from telemetry.runtime.mqtt import LinkDown, Message

LOST, TWICE = 0.08, 0.15
"""How often a frame gets lost on its way, and how often it comes again."""


class Key(NamedTuple):
    """One frame: what a ledger has to account for."""

    stream: StreamKey
    seq: int


class Wire:
    """The line of a few nodes. `answers` are called with each `stored`, by node.

    Frames are counted as they first set out. That of the number `swallow_at` never arrives, and its node is
    told that it is stored; then `swallowed` is that one. Those of the numbers `spoil_at` arrive as poison
    whose envelope can be read. `narrow`: only health reports still get through.
    """

    def __init__(self, chance: random.Random) -> None:
        self.answers: dict[str, Callable[[Stored], None]] = {}
        self.swallow_at: int | None = None
        self.swallowed: Key | None = None
        self.spoil_at: frozenset[int] = frozenset()
        self.narrow = False
        self._chance = chance
        self._sent: dict[Key, int] = {}
        self._waiting: list[Message] = []
        self._news = anyio.Event()

    async def inbox(self) -> AsyncIterator[Message]:
        """What arrives at the collector, in no order."""
        while True:
            while self._waiting:
                yield self._waiting.pop(self._chance.randrange(len(self._waiting)))
            self._news = anyio.Event()
            await self._news.wait()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """The collector's answers."""
        del qos, retain
        node, _, kind = topic.removeprefix("e3p/v1/").partition("/")
        if kind == "stored":
            self.answers[node](decode_message(payload, Stored))

    def carry(self, topic: str, payload: bytes) -> None:
        """A node's frame sets out."""
        received = receive(topic, payload)
        assert isinstance(received, Received)
        key = Key(received.key, received.frame.seq)
        at = self._sent.setdefault(key, len(self._sent))
        if at == self.swallow_at:
            self.swallowed = key
            self.answers[key.stream.node](false_stored(key))
        elif self.narrow and received.topic.kind != "health":
            return
        elif self._chance.random() >= LOST:
            body = spoil(payload, at) if at in self.spoil_at else payload
            self.put(topic, body, copies=2 if self._chance.random() < TWICE else 1)

    def put(self, topic: str, payload: bytes, copies: int = 1) -> None:
        """Something is on its way to the collector."""
        self._waiting += [Message(topic, payload, False)] * copies
        self._news.set()


class Plug:
    """A node's end of the wire: what the real publisher takes for its link."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.connected = False

    async def publish(self, topic: str, payload: bytes) -> None:
        if not self.connected:
            raise LinkDown("pulled by the test")
        self._wire.carry(topic, payload)
        await anyio.lowlevel.checkpoint()


def false_stored(key: Key) -> Stored:
    """The lie that this one frame is settled."""
    node, boot, stream = key.stream
    del node
    settled = StoredStream(boot=boot, stream=stream, through=-1, ranges=((key.seq, key.seq),))
    return Stored(streams=(settled,))


def spoil(payload: bytes, at: int) -> bytes:
    """The frame with a fault that leaves its envelope readable; the same one each time it is sent."""
    codec: Any = msgspec.json if is_json(payload) else msgspec.msgpack
    raw = codec.decode(payload)
    faults: list[dict[str, object]] = [{"v": 2}, {"t0": "soon"}, {"anchor": None}]
    body: bytes = codec.encode({**raw, **faults[at % len(faults)]})
    return body
