"""Frames of a scene on their way: sent until the collector has them, and a few that it must refuse."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import anyio
import msgspec

from telemetry.contract.decode import Received, decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored
from telemetry.contract.topics import every_node, parse_node_topic, stream_topic
from telemetry.runtime.mqtt import Address, Link
from tests.processes import until

AT_ONCE = 400


async def deliver(url: str, frames: Sequence[Received]) -> None:
    """Sends frames until the collector says that it has each of them; a few at a time, as nodes do."""
    link = Link(Address.parse(url), client_id="scene", filters=[every_node("stored")])
    open_: dict[tuple[StreamKey, int], Received] = {(each.key, each.frame.seq): each for each in frames}

    async def listen() -> None:
        async for message in link.inbox():
            place = parse_node_topic(message.topic)
            with suppress(Refused):
                for stream in decode_message(message.payload, Stored).streams:
                    key = StreamKey(place[0] if place else "", stream.boot, stream.stream)
                    have = IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
                    for seq in [seq for held, seq in open_ if held == key and seq in have]:
                        del open_[key, seq]

    with anyio.fail_after(300):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.run)
            tasks.start_soon(listen)
            await link.until_connected()
            while open_:
                some = dict(list(open_.items())[:AT_ONCE])
                for (key, _), each in some.items():
                    await link.publish(stream_topic(key.node, key.stream), encode(each.frame))
                with anyio.move_on_after(2.0):
                    await until(lambda some=some: not some.keys() & open_.keys(), str)
            tasks.cancel_scope.cancel()


async def spoil(url: str, frames: Sequence[Received]) -> None:
    """Sends of a node what is no message, and another frame under a number that is taken."""
    link = Link(Address.parse(url), client_id="spoiler")
    held = next(each for each in frames if each.key.stream == "power/main")
    other = msgspec.structs.replace(held.frame, missed=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for payload in (b"no frame", encode(other)):
            await link.publish(stream_topic(held.key.node, held.key.stream), payload)
        tasks.cancel_scope.cancel()
