"""Upkeep of a store in a file: what is old leaves it between two batches, and its size is a metric."""

from __future__ import annotations

import anyio

from collector.metrics import Metrics
from telemetry.runtime import logs
from telemetry.store.interface import Store, StoreUnavailable
from telemetry.store.upkeep import Tidy

PAUSE_S = 0.05
LOOK_S = 60.0

log = logs.get("collector")


class Upkeep:
    """A service; for a store that looks after itself on a server it has nothing to do."""

    name = "upkeep"

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def run(self) -> None:
        """Until cancelled: a step, a pause for those who write, and rest when nothing is due."""
        if not isinstance(self._store, Tidy):
            await anyio.sleep_forever()
            return
        while True:
            more = await self._step(self._store)
            await anyio.sleep(PAUSE_S if more else LOOK_S)

    async def _step(self, store: Tidy) -> bool:
        try:
            more = await store.tidy()
            size = await store.size()
        except StoreUnavailable as error:
            log.debug("upkeep waits", why=str(error))
            return False
        self._metrics.store_bytes.set(size.bytes)
        self._metrics.store_free_bytes.set(size.free_bytes)
        return more
