"""Pings to the collector, and the exchanges that its answers make. Pure."""

from __future__ import annotations

import random

from telemetry.contract.frames import Exchange
from telemetry.contract.replies import Ping, Pong

OUTSTANDING = 32
KEPT = 256


class PingBook:
    """Pings that wait for their pong, and exchanges that wait for a clock frame. Times are monotonic ns."""

    def __init__(self, first_id: int | None = None) -> None:
        self._next_id = random.getrandbits(31) if first_id is None else first_id
        self._sent: dict[int, Ping] = {}
        self._anchor = 0
        self._exchanges: list[Exchange] = []

    def ping(self, anchor: int, t1: int) -> Ping:
        """A ping sent at monotonic `t1` of the boot with this anchor."""
        self._anchor = anchor
        ping = Ping(id=self._next_id, t1=anchor + t1)
        self._next_id += 1
        self._sent[ping.id] = ping
        while len(self._sent) > OUTSTANDING:
            del self._sent[next(iter(self._sent))]
        return ping

    def pong(self, pong: Pong, t4: int) -> bool:
        """A pong received at monotonic `t4`. False when it answers no ping of ours, or answers it again."""
        ping = self._sent.get(pong.id)
        if ping is None or ping.t1 != pong.t1 or t4 < pong.t1 - self._anchor:
            return False
        del self._sent[pong.id]
        exchange = Exchange(t1=pong.t1 - self._anchor, t2=pong.t2, t3=pong.t3, t4=t4)
        self._exchanges = [*self._exchanges[-KEPT + 1 :], exchange]
        return True

    def begin_boot(self) -> None:
        """Another anchor: what was asked by the old one is not counted."""
        self._sent.clear()

    def take(self) -> tuple[Exchange, ...]:
        """The exchanges since the last time."""
        exchanges, self._exchanges = tuple(self._exchanges), []
        return exchanges
