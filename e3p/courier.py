"""Sends ready-made frames by the contract's delivery rules, until the collector settled all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio

from e3p.recordings import Parcel
from edge_node.delivery import Delivery, Waiting
from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored
from telemetry.contract.topics import node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, LinkDown

STEP_S = 0.01
PATIENCE_S = 60.0


class Courier:
    """Sends parcels by the contract's delivery rules; `deliver` returns when all are settled."""

    def __init__(self, address: Address, node: str, boot: str, load: Sequence[Parcel]) -> None:
        self._link = Link(address, client_id=f"{node}-{boot}", filters=[node_topic(node, "stored")])
        self._boot = boot
        self._load = dict(enumerate(load))
        self._delivery = Delivery()

    @property
    def open(self) -> int:
        """How many frames are not settled yet."""
        return len(self._load)

    async def deliver(self) -> None:
        """Raises `UserError` when nobody acknowledges anything for a minute."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            tasks.start_soon(self._listen)
            moved_s, seen = time.monotonic(), -1
            while self._load:
                if self.open != seen:
                    moved_s, seen = time.monotonic(), self.open
                if time.monotonic() - moved_s > PATIENCE_S:
                    raise UserError(
                        f"no collector acknowledges over {self._link.address.url}: is `e3p serve` running?"
                    )
                await self._send()
                await anyio.sleep(STEP_S)
            tasks.cancel_scope.cancel()

    async def _send(self) -> None:
        now_s = time.monotonic()
        fresh = [at for at in self._load if at not in self._delivery.in_flight][: self._delivery.room]
        for at in [*self._delivery.overdue(now_s), *fresh]:
            await self._put(at, now_s)

    async def _put(self, at: int, now_s: float) -> None:
        parcel = self._load.get(at)
        if parcel is None:  # settled while an earlier one was sent
            return
        try:
            await self._link.publish(parcel.topic, parcel.payload)
        except LinkDown:
            return
        self._delivery.sent(Waiting(at, len(parcel.payload)), now_s)

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            try:
                stored = decode_message(message.payload, Stored)
            except Refused:
                continue
            for stream in stored.streams:
                if stream.boot == self._boot:
                    held = IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
                    self._settle(stream.stream, held)

    def _settle(self, stream: str, seqs: IntervalSet) -> None:
        gone = [at for at, parcel in self._load.items() if parcel.stream == stream and parcel.seq in seqs]
        self._delivery.settled(gone)
        for at in gone:
            del self._load[at]
