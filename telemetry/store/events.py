"""The fleet's events as a store holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from telemetry.contract.events import EVENT, Finding, FleetEvent
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.store.interface import Revision, Store

MEMORY_NS = 90 * 86_400 * NS_PER_S
"""A finding that was first told longer ago is not looked for any more, even if nobody ever ended it."""
AHEAD_NS = 86_400 * NS_PER_S
"""Another host's clock may be ahead."""


async def read_events(
    store: Store, now_ns: int, *, since_ns: int | None = None, node: str | None = None
) -> list[FleetEvent]:
    """Events, of one node or of all, oldest first: those since then, and the findings that last.

    Those of a kind with fields of its own come as what they are where it is known (`Finding`).
    """
    earliest = now_ns - MEMORY_NS if since_ns is None else min(since_ns, now_ns - MEMORY_NS)
    stored = await store.during(EVENT, earliest, now_ns + AHEAD_NS, node)
    events = [event_of(revision) for revision in stored]
    return [event for event in events if since_ns is None or event.at >= since_ns or lasts(event)]


async def read_lasting(store: Store, now_ns: int, node: str | None = None) -> list[Finding]:
    """The findings that last, oldest first."""
    return findings_of(await store.during(EVENT, now_ns - MEMORY_NS, now_ns + AHEAD_NS, node), lasting=True)


def findings_of(revisions: Iterable[Revision], *, lasting: bool = False) -> list[Finding]:
    """The findings among stored events."""
    events = (event_of(revision) for revision in revisions)
    return [event for event in events if isinstance(event, Finding) and (event.lasts or not lasting)]


def lasts(event: FleetEvent) -> bool:
    """Whether it is a finding that has not ended."""
    return isinstance(event, Finding) and event.lasts


def event_of(revision: Revision) -> FleetEvent:
    """The event in a stored document."""
    try:
        return msgspec.json.decode(revision.doc, type=Finding)
    except msgspec.ValidationError:
        return msgspec.json.decode(revision.doc, type=FleetEvent)
