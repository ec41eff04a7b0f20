"""The node's newest word on each of its sequences, gathered from its health frames."""

from __future__ import annotations

import sqlite3

import msgspec

from telemetry.contract.frames import StreamHealth
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Report

Lost = tuple[tuple[int, int, int], ...]


def renew(db: sqlite3.Connection, stream: int, report: Report) -> None:
    """Takes a health frame's word on one stream into account."""
    row = db.execute("SELECT as_of, health FROM report WHERE stream = ?", (stream,)).fetchone()
    if row is not None:
        report = merged(read_report(report.node, *row), report)
    db.execute(
        "INSERT OR REPLACE INTO report (stream, as_of, health) VALUES (?, ?, ?)",
        (stream, report.as_of, msgspec.msgpack.encode(report.health)),
    )


def read_report(node: str, as_of: int, health: bytes) -> Report:
    """A report from its row."""
    return Report(node=node, health=msgspec.msgpack.decode(health, type=StreamHealth), as_of=as_of)


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
