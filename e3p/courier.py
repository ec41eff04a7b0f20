"""Sends ready-made frames by the contract's delivery rules, until the collector settled all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import anyio

from e3p.dispatch import Dispatch
from e3p.recordings import Parcel
from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused, UserError
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
        self._dispatch = Dispatch(boot)
        self._parcels = {self._dispatch.put(parcel.stream, len(parcel.payload)).id: parcel for parcel in load}

    @property
    def open(self) -> int:
        """How many frames are not settled yet."""
        return len(self._dispatch)

    async def deliver(self) -> None:
        """Raises `UserError` when nobody acknowledges anything for a minute."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            tasks.start_soon(self._listen)
            moved_s, seen = time.monotonic(), -1
            while self.open:
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
        """What was taken while the link broke is sent again when it is overdue."""
        if self._link.connected:
            with suppress(LinkDown):
                for frame in self._dispatch.take(time.monotonic()):
                    parcel = self._parcels[frame.id]
                    await self._link.publish(parcel.topic, parcel.payload)

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            with suppress(Refused):
                self._dispatch.settle(decode_message(message.payload, Stored))
