"""What is old leaves the file bit by bit; what it was stays in the ledger: expired is not missing.

Manifests stay, and so do boots of which a frame was too old already when it came (`boot.kept`): a recording
of long ago, a clock of 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from telemetry.contract.intervals import IntervalSet
from telemetry.store.sqlite.connection import writing
from telemetry.store.upkeep import Size

AT_ONCE = 500
"""Rows that leave in one transaction: some milliseconds in which nobody else writes."""
PAGES = 256
FREE_SHARE = 0.1
"""Room inside that new frames will fill again; more than that is given back."""
HALF = 32
INCREMENTAL = 2  # SQLite's number for a file that pages can leave

OLD = """SELECT stream.id, :before - anchor FROM stream JOIN boot ON boot.id = stream.boot
    WHERE NOT kept AND anchor IS NOT NULL AND name NOT LIKE 'manifest/%' AND EXISTS
        (SELECT 1 FROM frame WHERE frame.stream = stream.id AND t0 < :before - anchor) LIMIT 1"""
FRAMES = "SELECT id, seq, samples, missed FROM frame WHERE stream = ? AND t0 < ? ORDER BY t0 LIMIT ?"
RANGES = "SELECT first, last FROM expired WHERE stream = ?"
ADD = """INSERT INTO expired_sum VALUES (:stream, :frames, :samples, :high, :low)
    ON CONFLICT (stream) DO UPDATE SET frames = frames + :frames, samples = samples + :samples,
        missed_high = missed_high + :high, missed_low = missed_low + :low"""
SUMS = "SELECT stream, frames, samples, missed_high, missed_low FROM expired_sum"
WINDOWS = "SELECT pk FROM document WHERE kind = 'interval' AND at < ? LIMIT ?"
SUPERSEDED = """SELECT pk FROM document AS old WHERE kind IN ('bookmark', 'baseline') AND EXISTS
    (SELECT 1 FROM document AS newer WHERE newer.kind = old.kind AND newer.id = old.id
        AND newer.revision > old.revision) LIMIT ?"""


class Gone(NamedTuple):
    """What expired of one stream: numbers of frames, and the sums over them."""

    seqs: IntervalSet
    frames: int
    samples: int
    missed: int


def expire_frames(db: sqlite3.Connection, before_ns: int) -> int:
    """Forgets the oldest frames of one stream that are older than this (node time); how many."""
    with writing(db):
        found = db.execute(OLD, {"before": before_ns}).fetchone()
        if found is None:
            return 0
        stream, before = found
        rows = db.execute(FRAMES, (stream, before, AT_ONCE)).fetchall()
        _note(db, stream, rows)
        db.executemany("DELETE FROM frame WHERE id = ?", [(row[0],) for row in rows])
        return len(rows)


def expire_documents(db: sqlite3.Connection, windows_before_ns: int | None) -> int:
    """Forgets old windows of work, and what was only ever the newest word of a program to itself."""
    with writing(db):
        rows = db.execute(SUPERSEDED, (AT_ONCE,)).fetchall()
        if windows_before_ns is not None:
            rows += db.execute(WINDOWS, (windows_before_ns, AT_ONCE)).fetchall()
        db.executemany("DELETE FROM document WHERE pk = ?", rows)
        return len(rows)


def give_back(db: sqlite3.Connection) -> bool:
    """Takes some free pages off the file where they are many; whether there are more."""
    if not _spare(db):
        return False
    db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
    return _spare(db)


def size_of(db: sqlite3.Connection) -> Size:
    """How large the file is."""
    page = _pragma(db, "page_size")
    return Size(
        bytes=page * _pragma(db, "page_count"),
        free_bytes=page * _pragma(db, "freelist_count"),
        gives_back=_gives_back(db),
    )


def compact(db: sqlite3.Connection) -> None:
    """Writes the file anew, in a way that lets room leave it from then on."""
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("VACUUM")


def expired_seqs(db: sqlite3.Connection, stream: int) -> IntervalSet:
    """The numbers of a stream's frames that expired."""
    return IntervalSet(db.execute(RANGES, (stream,)).fetchall())


def all_expired(db: sqlite3.Connection) -> dict[int, Gone]:
    """What expired of every stream."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for stream, first, last in db.execute("SELECT stream, first, last FROM expired"):
        ranges.setdefault(stream, []).append((first, last))
    return {
        stream: Gone(IntervalSet(ranges.get(stream, ())), frames, samples, (high << HALF) + low)
        for stream, frames, samples, high, low in db.execute(SUMS)
    }


def _note(db: sqlite3.Connection, stream: int, rows: Iterable[tuple[int, int, int, int]]) -> None:
    """Writes down which frames are about to leave."""
    held = list(rows)
    seqs = expired_seqs(db, stream) | IntervalSet.of(seq for _, seq, _, _ in held)
    db.execute("DELETE FROM expired WHERE stream = ?", (stream,))
    db.executemany("INSERT INTO expired VALUES (?, ?, ?)", [(stream, *each) for each in seqs.ranges])
    # In halves, because a sum of 64-bit numbers may not fit 64 bits.
    sums = {
        "stream": stream,
        "frames": len(held),
        "samples": sum(row[2] for row in held),
        "high": sum(row[3] >> HALF for row in held),
        "low": sum(row[3] & 0xFFFFFFFF for row in held),
    }
    db.execute(ADD, sums)


def _spare(db: sqlite3.Connection) -> bool:
    free, pages = _pragma(db, "freelist_count"), _pragma(db, "page_count")
    return _gives_back(db) and free > max(PAGES, FREE_SHARE * pages)


def _gives_back(db: sqlite3.Connection) -> bool:
    return _pragma(db, "auto_vacuum") == INCREMENTAL


def _pragma(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
