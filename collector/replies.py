"""Replies: tells nodes what is settled, and everybody what became a dead letter."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio

from collector.desk import Desk
from collector.intake import Source
from collector.letters import announcement
from telemetry.contract.encode import encode
from telemetry.contract.topics import DEAD, node_topic
from telemetry.runtime.mqtt import LinkDown
from telemetry.store.interface import Letter

AGAIN_S = 0.5
GOODBYE_S = 1.0
RECENT = 2_000
"""A letter among the last so many is a repeat, which was announced before."""


class Replies:
    """A service that sends acknowledgements and announcements, and keeps them while the link is down."""

    name = "replies"

    def __init__(self, source: Source, desk: Desk) -> None:
        self._source = source
        self._desk = desk
        self._letters: deque[Letter] = deque(maxlen=RECENT)
        self._recent: dict[str, None] = {}

    def announce(self, letters: Sequence[Letter]) -> None:
        """Letters that are buried. Of more than `RECENT` that wait the oldest go unannounced."""
        for letter in letters:
            if letter.key in self._recent:
                continue
            self._recent[letter.key] = None
            if len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]
            self._letters.append(letter)

    async def run(self) -> None:
        try:
            while True:
                await self._send()
                await self._desk.settled.wait(self._due_in_s())
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(GOODBYE_S, shield=True):
                await self._say_goodbye()
            raise

    async def _send(self) -> None:
        """Sends all that is due: letters first, so that no frame is covered before its letter is told."""
        try:
            await self._send_letters()
            for node in self._desk.acks.due(self._desk.times.now_s()):
                await self._acknowledge(node)
        except LinkDown:
            await anyio.sleep(AGAIN_S)

    async def _send_letters(self) -> None:
        while self._letters:
            letter = self._letters.popleft()
            try:
                await self._source.publish(DEAD, encode(announcement(letter)))
            except LinkDown:
                self._letters.appendleft(letter)
                raise

    async def _acknowledge(self, node: str) -> None:
        told = self._desk.acks.take(node, self._desk.times.now_s())
        payload = encode(told.message, self._desk.encodings.get(node, "msgpack"))
        try:
            await self._source.publish(node_topic(node, "stored"), payload)
        except LinkDown:
            self._desk.acks.put_back(told)
            raise
        self._desk.metrics.acks.inc()

    def _due_in_s(self) -> float | None:
        return 0.0 if self._letters else self._desk.acks.due_in_s(self._desk.times.now_s())

    async def _say_goodbye(self) -> None:
        while (wait_s := self._due_in_s()) is not None:
            await anyio.sleep(wait_s)
            await self._send()
