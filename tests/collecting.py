"""What tests of the collector share: frames, a line without a broker, a store with moods."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

from collector.desk import Desk, Times
from collector.events import Events
from collector.intake import Intake
from collector.metrics import Metrics
from collector.replies import Replies
from collector.settings import CollectorSettings
from collector.writer import Writer
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import Encoding, encode
from telemetry.contract.frames import HealthFrame, PowerFrame, StreamHealth, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Dead, Stored
from telemetry.runtime.mqtt import LinkDown, Message, Retry
from telemetry.store.interface import Store, StoreUnavailable

NODE, BOOT, STREAM = "n1", "b1", "power/main"
KEY = StreamKey(NODE, BOOT, STREAM)
TOPIC = f"e3p/v1/{NODE}/{STREAM}"
ANCHOR = time.time_ns()
WAIT_S = 20.0


def power(seq: int, *, watts: float = 2.0, samples: int = 4, **fields: Any) -> PowerFrame:
    """A frame of two channels; its number tells its time."""
    said = {
        "v": 1,
        "boot": BOOT,
        "seq": seq,
        "anchor": ANCHOR,
        "t0": seq * 1_000_000,
        "dt": pack_dt([at * 1_000 for at in range(samples)]),
        "tick": 1_000,
        "ch": ("total", "gpu"),
        "w": pack("f", [watts] * 2 * samples),
        "first": seq * samples,
        "missed": 0,
        **fields,
    }
    return PowerFrame(**said)


def payload(seq: int, encoding: Encoding = "msgpack", **fields: Any) -> bytes:
    """The message of `power(seq)`."""
    return encode(power(seq, **fields), encoding)


def health(seq: int, *streams: StreamHealth) -> HealthFrame:
    """A health report of these streams."""
    return HealthFrame(v=1, boot=BOOT, seq=seq, anchor=ANCHOR, t0=seq * 1_000_000, streams=streams)


def stream_health(next_seq: int, **fields: Any) -> StreamHealth:
    """What a node says of `KEY`."""
    said = {"spooled": (), "declared_lost": (), "ticks": 0, "final": False, **fields}
    return StreamHealth(boot=BOOT, stream=STREAM, next_seq=next_seq, **said)


class Source:
    """A line without a broker: what is published lies in `sent`; `down` cuts it."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.down = False

    async def inbox(self) -> AsyncIterator[Message]:
        await anyio.sleep_forever()
        yield Message("", b"")

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        if self.down:
            raise LinkDown("cut by the test")
        self.sent.append(Message(topic, payload, retain))

    def settled(self, key: StreamKey = KEY) -> IntervalSet:
        """Everything that `stored` messages said is settled of one sequence."""
        return told([m for m in self.sent if m.topic == f"e3p/v1/{key.node}/stored"], key)

    def announced(self) -> list[Dead]:
        """The dead letters that were announced."""
        return [decode_message(m.payload, Dead) for m in self.sent if m.topic == "e3p/v1/dead"]


def told(messages: list[Message], key: StreamKey = KEY) -> IntervalSet:
    """The union of what `stored` messages settle of one sequence."""
    settled = IntervalSet()
    for message in messages:
        for stream in decode_message(message.payload, Stored).streams:
            if (stream.boot, stream.stream) == (key.boot, key.stream):
                settled |= IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
    return settled


class Moody:
    """A store that can be unavailable, or break, as the test wishes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mood: Exception | None = None
        self.refusals = 0

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any, **named: Any) -> Any:
            if self.mood is not None:
                self.refusals += 1
                raise self.mood
            return await getattr(self._store, name)(*arguments, **named)

        return ask

    def leave(self) -> None:
        self.mood = StoreUnavailable("away")

    def come_back(self) -> None:
        self.mood = None


class Line:
    """Intake, writer and replies on one desk."""

    def __init__(self, store: Store, settings: CollectorSettings | None = None) -> None:
        self.source = Source()
        self.desk = Desk(settings or CollectorSettings(), Times(time.time_ns, time.monotonic), Metrics())
        self.replies = Replies(self.source, self.desk)
        retry = Retry(sleep=lambda _: anyio.sleep(0.001))
        self.writer = Writer(store, self.desk, self.replies.announce, retry)
        self.events = Events(self.source, store, self.desk)
        self.intake = Intake(self.source, store, self.desk, self.events.two_boots)

    async def send(self, seq: int, **fields: Any) -> None:
        await self.intake.take(TOPIC, payload(seq, **fields))

    async def until(self, fact: Callable[[], object]) -> None:
        """Returns when the fact is there; the limit is only for a broken line."""
        await until(fact)

    async def until_settled(self, seqs: IntervalSet, key: StreamKey = KEY) -> None:
        await until(lambda: not seqs - self.source.settled(key))

    def counted(self, name: str, **labels: str) -> float:
        """A metric's value."""
        return self.desk.metrics.registry.get_sample_value(f"e3p_collector_{name}", labels) or 0.0


@asynccontextmanager
async def running(store: Store, settings: CollectorSettings | None = None) -> AsyncIterator[Line]:
    """A line at work; left, it stops as a program does, with its last writes and replies."""
    line = Line(store, settings)
    async with anyio.create_task_group() as outer:
        outer.start_soon(line.replies.run)
        async with anyio.create_task_group() as inner:
            inner.start_soon(line.writer.run)
            inner.start_soon(line.events.run)
            yield line
            inner.cancel_scope.cancel()
        outer.cancel_scope.cancel()


async def until(fact: Callable[[], object]) -> None:
    """Polls for a fact that must come about; never an assertion about time."""
    with anyio.fail_after(WAIT_S):
        while not fact():  # noqa: ASYNC110 - facts of other tasks, without an event of their own
            await anyio.sleep(0.002)
