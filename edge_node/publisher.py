"""The publisher: sends what `Delivery` decides, and waits for `stored`, not for the broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import anyio

from edge_node.delivery import Waiting
from edge_node.recorder import Recorder
from edge_node.spool import Parcel
from edge_node.spool_schema import SpoolBlocked
from telemetry.contract.topics import ROOT
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Link, LinkDown

LOOK_EVERY_S = 5.0

log = logs.get("publisher")


class Publisher:
    """A service. `wake` it when there may be something to send: a commit, a `stored`, a connection."""

    name = "publisher"

    def __init__(
        self, link: Link, recorder: Recorder, node: str, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link
        self._recorder = recorder
        self._prefix = f"{ROOT}/{node}/"
        self._clock_s = clock_s
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something may have changed."""
        self._news.set()

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            self._news.clear()
            if self._link.connected:
                try:
                    await self._send()
                except LinkDown:
                    pass  # what was not sent waits, what was is due at once when the link is back
                except SpoolBlocked as error:
                    log.warning("the spool cannot be read", why=str(error))
            await self._wait()

    async def _send(self) -> None:
        """First what is overdue, then what there is room for."""
        await self._publish(await self._recorder.overdue(self._clock_s()))
        while frames := await self._recorder.pick():
            await self._publish(frames)
            if self._recorder.delivery.room:
                return  # all that waited was picked, or does not fit for now

    async def _publish(self, frames: list[tuple[Waiting, Parcel]]) -> None:
        for frame, parcel in frames:
            await self._link.publish(self._prefix + parcel.stream, parcel.body)
            self._recorder.delivery.sent(frame, self._clock_s())

    async def _wait(self) -> None:
        wait_s = self._recorder.delivery.next_due() - self._clock_s()
        if not self._link.connected:
            wait_s = LOOK_EVERY_S
        with anyio.move_on_after(min(max(wait_s, 0.01), LOOK_EVERY_S)):
            await self._news.wait()
