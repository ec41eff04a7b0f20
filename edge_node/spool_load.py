"""What a spool's file tells of an earlier life of the agent."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from edge_node.accounts import Account, Name, joined
from edge_node.markers import Marker, Process
from edge_node.marks_lines import Mark
from edge_node.trials import OpenTrial
from telemetry.contract.decode import decode_event
from telemetry.contract.intervals import IntervalSet

# Runs of consecutive numbers: within one, the number less its place in the order is the same.
_RUNS = """
SELECT sequence, min(seq), max(seq), sum(ticks) FROM (
    SELECT sequence, seq, ticks, seq - row_number() OVER (PARTITION BY sequence ORDER BY seq) AS run
    FROM frame)
GROUP BY sequence, run
"""


class Books(NamedTuple):
    """What has to survive the agent beside its frames: who marks, what runs, which marks wait.

    The marks that wait have times of the monotonic clock that the kernel's boot `os_boot` has.
    """

    trials: Sequence[OpenTrial] = ()
    markers: Sequence[Marker] = ()
    queue: Sequence[Mark] = ()
    os_boot: str = ""


def load_accounts(db: sqlite3.Connection) -> dict[Name, Account]:
    """Every sequence, as it was committed last."""
    kept: dict[int, list[tuple[int, int]]] = {}
    ticks_kept: dict[int, int] = {}
    for sequence, first, last, ticks in db.execute(_RUNS):
        kept.setdefault(sequence, []).append((first, last))
        ticks_kept[sequence] = ticks_kept.get(sequence, 0) + ticks
    lost: dict[int, list[tuple[int, int, int]]] = {}
    for sequence, *loss in db.execute("SELECT sequence, first, last, ticks FROM lost"):
        lost.setdefault(sequence, []).append((loss[0], loss[1], loss[2]))
    rows = db.execute("SELECT id, boot, stream, next_seq, ticks FROM sequence ORDER BY id")
    return {
        Name(boot, stream): Account(
            next_seq=next_seq,
            ticks=ticks,
            kept_ticks=ticks_kept.get(id_, 0),
            spooled=IntervalSet(kept.get(id_, ())),
            lost=joined(lost.get(id_, ())),
        )
        for id_, boot, stream, next_seq, ticks in rows
    }


def load_books(db: sqlite3.Connection) -> Books:
    """Open trials, markers and waiting marks, as they were committed last."""
    trials = db.execute("SELECT trial, os_boot, images, pid, started FROM trial ORDER BY at")
    markers = db.execute("SELECT next_n, pid, started FROM marker")
    held = db.execute("SELECT mark, os_boot FROM held ORDER BY at").fetchall()
    return Books(
        [OpenTrial(trial, Process(*who), os_boot, images) for trial, os_boot, images, *who in trials],
        [Marker(Process(*process), next_n) for next_n, *process in markers],
        [decode_event(msgspec.msgpack.decode(mark)) for mark, _ in held],
        held[0][1] if held else "",
    )


def save_books(db: sqlite3.Connection, books: Books) -> None:
    """Replaces what was there; a few rows, within the caller's transaction."""
    for table in ("trial", "marker", "held"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - the three names above
    db.executemany(
        "INSERT INTO trial (trial, os_boot, images, pid, started) VALUES (?, ?, ?, ?, ?)",
        [(trial.trial, trial.os_boot, trial.images, *trial.process) for trial in books.trials],
    )
    db.executemany(
        "INSERT INTO marker (next_n, pid, started) VALUES (?, ?, ?)",
        [(marker.next_n, *marker.process) for marker in books.markers],
    )
    db.executemany(
        "INSERT INTO held (mark, os_boot) VALUES (?, ?)",
        [(msgspec.msgpack.encode(mark), books.os_boot) for mark in books.queue],
    )
