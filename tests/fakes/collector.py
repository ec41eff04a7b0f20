"""A collector that stores nothing but remembers everything, and that answers only while it is told to."""

from __future__ import annotations

import time
from collections import Counter

import anyio

from telemetry.contract.decode import Received, decode_message, receive
from telemetry.contract.encode import encode
from telemetry.contract.frames import Frame, HealthFrame, MarksFrame, StreamHealth
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.marks import Event
from telemetry.contract.replies import Ping, Pong, State, Stored, StoredStream
from telemetry.contract.topics import everything_of_nodes, node_topic
from telemetry.runtime.mqtt import Address, Link, LinkDown, Message

Key = tuple[str, str]


class FakeCollector:
    """`frames` by (boot, stream) and seq; `came` counts how often each came; `states` are in order."""

    def __init__(self, url: str, node: str) -> None:
        self.node = node
        self.answering = True
        self.answering_pings = True
        self.frames: dict[Key, dict[int, Frame]] = {}
        self.bodies: dict[tuple[str, str, int], bytes] = {}
        self.came: Counter[tuple[str, str, int]] = Counter()
        self.states: list[State] = []
        self.abouts: list[bytes] = []
        self.dead: list[str] = []
        self.link = Link(
            Address.parse(url), client_id=f"fake-{time.monotonic_ns()}", filters=[everything_of_nodes()]
        )

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            async for message in self.link.inbox():
                await self._look_at(message)

    async def _look_at(self, message: Message) -> None:
        kind = message.topic.split("/")[3]
        if kind == "ping" and self.answering_pings:
            now_ns = time.time_ns()
            ping = decode_message(message.payload, Ping)
            await self._say("pong", encode(Pong(id=ping.id, t1=ping.t1, t2=now_ns, t3=time.time_ns())))
        elif kind == "state":
            if message.payload:
                self.states.append(decode_message(message.payload, State))
        elif kind == "about":
            self.abouts.append(message.payload)
        elif kind in ("power", "marks", "health", "clock", "manifest"):
            await self._take(message)

    async def _take(self, message: Message) -> None:
        received = receive(message.topic, message.payload)
        assert isinstance(received, Received)
        boot, stream, seq = received.frame.boot, received.topic.name, received.frame.seq
        assert self.bodies.setdefault((boot, stream, seq), message.payload) == message.payload
        self.came[boot, stream, seq] += 1
        self.frames.setdefault((boot, stream), {})[seq] = received.frame
        if self.answering:
            await self.answer((boot, stream))

    async def answer(self, *keys: Key) -> None:
        """Acknowledges everything of these sequences, or of all."""
        streams = []
        for boot, stream in keys or self.frames:
            held = IntervalSet.of(self.frames[boot, stream])
            through = held.through
            rest = held.beyond(through).ranges
            streams.append(StoredStream(boot=boot, stream=stream, through=through, ranges=rest))
        await self._say("stored", encode(Stored(streams=tuple(streams))))

    async def _say(self, kind: str, payload: bytes) -> None:
        try:
            await self.link.publish(node_topic(self.node, kind), payload)  # type: ignore[arg-type]
        except LinkDown:
            return

    @property
    def boots(self) -> list[str]:
        """In the order in which they were first heard of."""
        return list(dict.fromkeys(boot for boot, _ in self.frames))

    def count(self) -> int:
        """How many different frames came."""
        return len(self.came)

    def of(self, stream: str, boot: str | None = None) -> list[Frame]:
        """The frames of a stream by number, of one boot or of all in the order of their boots."""
        keys = [key for key in self.frames if key[1] == stream and boot in (None, key[0])]
        return [frame for key in keys for _, frame in sorted(self.frames[key].items())]

    def events(self) -> list[Event]:
        """All marks."""
        return [e for frame in self.of("marks/app") if isinstance(frame, MarksFrame) for e in frame.events]

    def health(self) -> dict[Key, StreamHealth]:
        """What the latest health frame says of each sequence."""
        reports = [frame for frame in self.of("health/agent") if isinstance(frame, HealthFrame)]
        return {(stream.boot, stream.stream): stream for stream in reports[-1].streams} if reports else {}

    def last_word(self, boot: str, stream: str) -> StreamHealth | None:
        """What the latest health frame that speaks of a sequence says of it."""
        reports = [frame for frame in self.of("health/agent") if isinstance(frame, HealthFrame)]
        told = [
            each for frame in reports for each in frame.streams if (each.boot, each.stream) == (boot, stream)
        ]
        return told[-1] if told else None

    def holes(self) -> dict[Key, list[int]]:
        """The numbers below the latest `next_seq` that did not come and were not declared lost."""
        missing = {}
        for key, health in self.health().items():
            have = IntervalSet.of(self.frames.get(key, {}))
            lost = IntervalSet((first, last) for first, last, _ in health.declared_lost)
            if gone := list(IntervalSet.below(health.next_seq) - have - lost):
                missing[key] = gone
        return missing
