"""A witness on the broker: which frames passed, how often, what was acknowledged, which results were told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import msgspec

from telemetry.contract.decode import decode_message
from telemetry.contract.documents import Result
from telemetry.contract.errors import Refused
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.payload import is_json
from telemetry.contract.replies import Stored
from telemetry.contract.topics import DEAD, FRAME_KINDS, everything_of_nodes
from telemetry.runtime.mqtt import Address, Link, Message
from tests.faults.tap import Key

FLEET_EVENTS = "e3p/v1/fleet/event"
INBOX = 200_000


class Head(msgspec.Struct):
    """What every frame begins with."""

    boot: str
    seq: int


class Witness:
    """`messages` counts how often each frame came to the broker; `settled` is what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.messages: Counter[Key] = Counter()
        self.settled: dict[tuple[str, str], IntervalSet] = {}
        self.settled_s: dict[Key, float] = {}
        self.came_s: dict[Key, float] = {}
        self.results: list[Result] = []
        self.events: list[bytes] = []
        self.dead = 0
        self._waiting: dict[tuple[str, str], set[Key]] = {}
        name = f"witness-{time.monotonic_ns()}"
        filters = [everything_of_nodes(), DEAD, FLEET_EVENTS]
        self.link = Link(Address.parse(url), client_id=name, filters=filters, inbox=INBOX)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Witness]:
        """Until the block is left."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            tasks.start_soon(self._watch)
            await self.link.until_connected()
            yield self
            tasks.cancel_scope.cancel()

    @property
    def per_frame(self) -> float:
        """How often a frame came to the broker, on the average."""
        return sum(self.messages.values()) / max(1, len(self.messages))

    def is_settled(self, key: Key) -> bool:
        """Whether a collector has said of this frame that it need not be sent again."""
        return key.seq in self.settled.get((key.boot, key.stream), IntervalSet())

    async def _watch(self) -> None:
        async for message in self.link.inbox():
            with suppress(Refused, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._look_at(message)

    def _look_at(self, message: Message) -> None:
        _, _, _, kind, *stream = [*message.topic.split("/"), ""]
        if kind in FRAME_KINDS:
            codec = msgspec.json if is_json(message.payload) else msgspec.msgpack
            head: Head = codec.decode(message.payload, type=Head)
            key = Key(head.boot, f"{kind}/{stream[0]}", head.seq)
            self.messages[key] += 1
            self.came_s.setdefault(key, time.monotonic())
            if key not in self.settled_s:
                self._waiting.setdefault((key.boot, key.stream), set()).add(key)
        elif kind == "stored":
            self._settle(decode_message(message.payload, Stored))
        elif kind == "result":
            self.results.append(msgspec.json.decode(message.payload, type=Result))
        elif message.topic == FLEET_EVENTS:
            self.events.append(message.payload)
        elif message.topic == DEAD:
            self.dead += 1

    def _settle(self, stored: Stored) -> None:
        now_s = time.monotonic()
        for each in stored.streams:
            place = each.boot, each.stream
            seqs = IntervalSet.below(each.through + 1) | IntervalSet(each.ranges)
            self.settled[place] = self.settled.get(place, IntervalSet()) | seqs
            waiting = self._waiting.get(place, set())
            for key in [key for key in waiting if self.is_settled(key)]:
                waiting.discard(key)
                self.settled_s.setdefault(key, now_s)
