"""The fleet's events as a store holds them."""

from __future__ import annotations

import msgspec

from telemetry.contract.events import EVENT, FleetEvent
from telemetry.store.interface import Store


async def read_events(store: Store, node: str | None = None) -> list[FleetEvent]:
    """Every event, of one node or of all, oldest first; without what only a kind says."""
    found = [msgspec.json.decode(each.doc, type=FleetEvent) for each in await store.latest(EVENT, node)]
    return sorted(found, key=lambda event: event.at)
