"""Events of the fleet: stored once, told once, and kept while the store or the link is away."""

from __future__ import annotations

from collections import deque

import anyio
import msgspec

from collector.bell import Bell
from collector.desk import Desk
from collector.intake import Source
from collector.presence import Twins
from telemetry.contract.encode import encode
from telemetry.contract.events import EVENT, TwoBoots
from telemetry.contract.topics import FLEET_EVENT
from telemetry.runtime import logs
from telemetry.runtime.mqtt import LinkDown
from telemetry.store.interface import Revision, Store, StoreUnavailable

AGAIN_S = 1.0
MAX_WAITING = 1_000

log = logs.get("collector")


class Events:
    """A service that tells what the intake noticed."""

    name = "events"

    def __init__(self, source: Source, store: Store, desk: Desk) -> None:
        self._source = source
        self._store = store
        self._desk = desk
        self._waiting: deque[TwoBoots] = deque(maxlen=MAX_WAITING)
        self._news = Bell()

    def two_boots(self, node: str, twins: Twins) -> None:
        """Two agents live under the name of this node."""
        words = (
            f"two agents run under the name {node}: boot {twins.later} beside boot {twins.earlier}; "
            "their data is kept apart; give one of them another name"
        )
        event = TwoBoots(node=node, boots=tuple(twins), at=self._desk.times.utc_ns(), words=words)
        log.warning("two live boots", node=node, earlier=twins.earlier, later=twins.later)
        self._desk.metrics.events.labels(event.kind).inc()
        self._waiting.append(event)
        self._news.ring()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while self._waiting:
                    await self._tell(event := self._waiting.popleft())
            except (StoreUnavailable, LinkDown) as error:
                log.debug("event waits", why=str(error))
                self._waiting.appendleft(event)
                await anyio.sleep(AGAIN_S)
            else:
                await self._news.wait()

    async def _tell(self, event: TwoBoots) -> None:
        """One that an earlier run of the collector told of is not told again."""
        document = f"{event.kind}/{event.node}/{event.boots[-1]}"
        if await self._store.history(EVENT, document):
            return
        await self._source.publish(FLEET_EVENT, encode(event, "json"))
        doc = msgspec.json.encode(event)
        await self._store.put([Revision(kind=EVENT, id=document, revision=0, node=event.node, doc=doc)])
