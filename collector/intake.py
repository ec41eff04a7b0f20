"""The intake: receives, decodes, and puts frames and letters down for the writer. Poison never stops it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from collector.desk import Desk
from collector.gather import Arrival
from collector.letters import make_letter
from collector.meter import Meters, meter_key
from collector.presence import Presence, Twins
from telemetry.contract.decode import Meter, Received, Unreadable, decode_message, receive
from telemetry.contract.errors import Refused
from telemetry.contract.frames import HealthFrame, StreamKey
from telemetry.contract.nodetime import NS_PER_S, node_time_ns
from telemetry.contract.payload import is_json
from telemetry.contract.replies import State
from telemetry.contract.topics import FrameTopic, is_fleet_topic, parse_node_topic
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Message
from telemetry.store.interface import Store, StoreUnavailable

log = logs.get("collector")


class Source(Protocol):
    """Where messages come from and answers go: MQTT now; may be a consumer of a durable stream."""

    def inbox(self) -> AsyncIterator[Message]:
        """The messages below nodes' names, for ever; each is taken once."""

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Sends an answer, or raises `LinkDown`."""


class Intake:
    """A service that takes every message of a source."""

    name = "intake"

    def __init__(
        self, source: Source, store: Store, desk: Desk, two_boots: Callable[[str, Twins], None]
    ) -> None:
        self._source = source
        self._store = store
        self._desk = desk
        self._meters = Meters()
        self._presence = Presence()
        self._two_boots = two_boots

    async def run(self) -> None:
        async for message in self._source.inbox():
            await self.take(message.topic, message.payload)

    async def take(self, topic: str, payload: bytes) -> None:
        """One message: a frame, a meter's message, a letter, or none of the collector's business."""
        try:
            if _is_reply(topic, payload):
                return
            received = receive(topic, payload)
            if isinstance(received, Received):
                self._desk.metrics.received.inc()
                self._frame(received, payload)
            else:
                await self._meter(*received, payload)
        except Refused as reason:
            self._refuse(topic, payload, reason)

    def _frame(self, received: Received, payload: bytes) -> bool:
        node = received.topic.node
        if not self._desk.admit(received.key, *_named(received)):
            return False
        self._look_at(received)
        self._desk.encodings[node] = "json" if is_json(payload) else "msgpack"
        return self._desk.put(Arrival(received, payload))

    async def _meter(self, topic: FrameTopic, meter: Meter, payload: bytes) -> None:
        if not self._desk.admit(meter_key(topic, meter)):
            self._desk.metrics.received.inc()
            return
        try:
            await self._meters.look_up(self._store, topic, meter)
        except StoreUnavailable:
            self._desk.metrics.received.inc()
            self._desk.shed("store")
            return
        received = self._meters.frame(topic, meter)
        self._desk.metrics.received.inc()
        if received is None:
            self._desk.metrics.repeats.inc()
        elif self._frame(received, payload):
            self._meters.took(received)

    def _refuse(self, topic: str, payload: bytes, reason: Refused) -> None:
        self._desk.metrics.received.inc()
        if isinstance(reason, Unreadable) and reason.key and not self._desk.admit(reason.key):
            return
        if self._desk.has_room_for_letters():
            self._desk.put(make_letter(topic, payload, reason, self._desk.times.utc_ns()))

    def _look_at(self, received: Received) -> None:
        """At the clock and the boots of a node."""
        node, boot, _ = received.key
        frame = received.frame
        node_ns = node_time_ns(frame.anchor, frame.t0)
        utc_ns = self._desk.times.utc_ns()
        if self._desk.clocks.frame(node, boot, node_ns, utc_ns):
            self._desk.metrics.bad_clocks.set(len(self._desk.clocks.bad))
            log.warning("clock bad", node=node, boot=boot, by="frame", ahead_s=(node_ns - utc_ns) // NS_PER_S)
        if isinstance(frame, HealthFrame):
            twins = self._presence.heard(node, frame, self._desk.times.now_s())
            if twins is not None:
                self._two_boots(node, twins)


def _named(received: Received) -> Iterator[StreamKey]:
    """The sequences that a health report tells of."""
    frame = received.frame
    for stream in frame.streams if isinstance(frame, HealthFrame) else ():
        yield StreamKey(received.topic.node, stream.boot, stream.stream)


def _is_reply(topic: str, payload: bytes) -> bool:
    """Whether a message is one of those that are no frames; a node's own that cannot be read is refused."""
    place = parse_node_topic(topic)
    if place and place[1] == "state" and payload:
        decode_message(payload, State)
    return place is not None or is_fleet_topic(topic)
