"""The node's newest word on each of its sequences: one row a sequence."""

from __future__ import annotations

import sqlite3

import msgspec

from telemetry.contract.frames import StreamHealth
from telemetry.store.interface import Report
from telemetry.store.reports import merged


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
