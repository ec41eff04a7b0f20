"""What was received and not yet taken: bounded by number and by bytes, shedding with a count."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple

MIB = 1024 * 1024
TURN = 64
"""After so many messages in one go a reader lets the network have its turn."""


class Message(NamedTuple):
    """A message as it came; `retain` says that the broker kept it from before."""

    topic: str
    payload: bytes
    retain: bool = False


class Inbox:
    """A queue between the network, which never waits, and one reader, which may be slow."""

    def __init__(self, messages: int = 10_000, size_bytes: int = 64 * MIB) -> None:
        self._most, self._most_bytes = messages, size_bytes
        self._held: deque[Message] = deque()
        self._held_bytes = 0
        self._news = asyncio.Event()
        self.shed = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size_bytes(self) -> int:
        """The payloads that wait, in bytes."""
        return self._held_bytes

    def offer(self, message: Message) -> bool:
        """Takes a message, or sheds and counts it when there is no room. Never waits."""
        if len(self._held) >= self._most or self._held_bytes + len(message.payload) > self._most_bytes:
            self.shed += 1
            return False
        self._held.append(message)
        self._held_bytes += len(message.payload)
        self._news.set()
        return True

    async def messages(self) -> AsyncIterator[Message]:
        """Each message in the order it came, for ever."""
        taken = 0
        while True:
            while not self._held:
                self._news.clear()
                await self._news.wait()
            message = self._held.popleft()
            self._held_bytes -= len(message.payload)
            yield message
            taken += 1
            if taken % TURN == 0:
                await asyncio.sleep(0)
