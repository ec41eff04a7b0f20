"""The node's newest word on one of its sequences, gathered from its health frames."""

from __future__ import annotations

import msgspec

from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Report

Lost = tuple[tuple[int, int, int], ...]


def merged(held: Report, come: Report) -> Report:
    """The newer of two reports; what either declares lost stays lost, because that only grows."""
    older, newer = (held, come) if come.as_of >= held.as_of else (come, held)
    lost = _all_lost(newer.health.declared_lost, older.health.declared_lost)
    if lost == newer.health.declared_lost:
        return newer
    return msgspec.structs.replace(newer, health=msgspec.structs.replace(newer.health, declared_lost=lost))


def _all_lost(newer: Lost, older: Lost) -> Lost:
    """The newer declarations, and of the older ones what those do not name, with its share of the ticks."""
    named = IntervalSet((first, last) for first, last, _ in newer)
    rest = [
        (at, until, ticks * (until - at + 1) // (last - first + 1))
        for first, last, ticks in older
        for at, until in (IntervalSet([(first, last)]) - named).ranges
    ]
    return tuple(sorted((*newer, *rest))) if rest else newer
