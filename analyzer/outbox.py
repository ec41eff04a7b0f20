"""Documents on their way to the broker: kept while it is away. The store has them anyway."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from telemetry.runtime.mqtt import LinkDown

if TYPE_CHECKING:
    from telemetry.runtime.mqtt import Link

MOST = 10_000


class Outbox:
    """What waits for a link; of too much the oldest is dropped."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: deque[tuple[str, bytes, bool]] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._waiting)

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """What cannot be sent now waits."""
        self._waiting.append((topic, payload, retain))

    async def send(self) -> None:
        """Sends what waits, as far as the link carries."""
        while self._waiting:
            topic, payload, retain = self._waiting[0]
            try:
                await self._link.publish(topic, payload, retain=retain)
            except LinkDown:
                return
            self._waiting.popleft()
