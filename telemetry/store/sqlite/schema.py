"""The schema, as the list of steps that lead to it; ``PRAGMA user_version`` says how many were taken.

A frame is one row, with its body, so that no part of it can be lost alone. What is asked of many frames at
once is answered from the two indexes, which hold no bodies: `frame_seq` (which numbers are there) and
`frame_time` (which frames touch a window; the sums over samples). ``WITHOUT ROWID`` would put the bodies into
the tree that is searched: half the speed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from telemetry.contract.errors import UserError
from telemetry.store.interface import StoreTooNew
from telemetry.store.sqlite.connection import connect, make_durable, opening, writing

APPLICATION_ID = 0x65337066  # "e3pf": tells our files from other programs' SQLite files

Step = tuple[str, ...]

STEPS: tuple[Step, ...] = (
    (
        """CREATE TABLE boot (
            id INTEGER PRIMARY KEY, node TEXT NOT NULL, boot TEXT NOT NULL,
            anchor INTEGER,  -- NULL while only reports speak of this boot
            UNIQUE (node, boot))""",
        """CREATE TABLE stream (
            id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boot, name TEXT NOT NULL,
            longest INTEGER NOT NULL DEFAULT 0,  -- the largest span of its frames: how far back to look
            UNIQUE (boot, name))""",
        """CREATE TABLE frame (
            id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream, seq INTEGER NOT NULL,
            t0 INTEGER NOT NULL, span INTEGER NOT NULL,  -- monotonic ns, and ns from t0 to the last sample
            samples INTEGER NOT NULL, missed INTEGER NOT NULL,
            digest BLOB NOT NULL, body BLOB NOT NULL)""",
        "CREATE UNIQUE INDEX frame_seq ON frame (stream, seq)",
        "CREATE INDEX frame_time ON frame (stream, t0, span, samples, missed)",
        """CREATE TABLE report (
            stream INTEGER PRIMARY KEY REFERENCES stream, as_of INTEGER NOT NULL,
            health BLOB NOT NULL)  -- StreamHealth in MessagePack""",
        """CREATE TABLE letter (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, reason TEXT NOT NULL,
            at INTEGER NOT NULL, node TEXT, boot TEXT, stream TEXT, seq INTEGER, body BLOB)""",
        "CREATE INDEX letter_address ON letter (node, boot, stream, seq) WHERE seq IS NOT NULL",
        "CREATE TABLE letter_bytes (held INTEGER NOT NULL)",
        "INSERT INTO letter_bytes VALUES (0)",
        """CREATE TRIGGER letter_in AFTER INSERT ON letter WHEN NEW.body IS NOT NULL
            BEGIN UPDATE letter_bytes SET held = held + length(NEW.body); END""",
        """CREATE TRIGGER letter_out AFTER DELETE ON letter WHEN OLD.body IS NOT NULL
            BEGIN UPDATE letter_bytes SET held = held - length(OLD.body); END""",
        """CREATE TABLE document (
            pk INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
            node TEXT, doc BLOB NOT NULL)""",
        "CREATE UNIQUE INDEX document_revision ON document (kind, id, revision)",
        "CREATE INDEX document_node ON document (kind, node, id, revision)",
    ),
    (
        "ALTER TABLE document ADD COLUMN at INTEGER",  # when it happened, ns; NULL where it does not say
        """UPDATE document SET at = coalesce(json_extract(CAST(doc AS TEXT), '$.end'),
            json_extract(CAST(doc AS TEXT), '$.at')) WHERE json_valid(CAST(doc AS TEXT))""",
        "CREATE INDEX document_time ON document (kind, at) WHERE at IS NOT NULL",
    ),
    (
        # Of a boot that is kept nothing expires: it came too late, or before there was any expiry.
        "ALTER TABLE boot ADD COLUMN kept INTEGER NOT NULL DEFAULT 0",
        "UPDATE boot SET kept = 1",
        """CREATE TABLE expired (
            stream INTEGER NOT NULL REFERENCES stream, first INTEGER NOT NULL, last INTEGER NOT NULL,
            PRIMARY KEY (stream, first)) WITHOUT ROWID""",
        """CREATE TABLE expired_sum (
            stream INTEGER PRIMARY KEY REFERENCES stream, frames INTEGER NOT NULL, samples INTEGER NOT NULL,
            missed_high INTEGER NOT NULL, missed_low INTEGER NOT NULL)""",
    ),
)


def prepare(db: sqlite3.Connection, path: Path, *, create: bool, busy_s: float) -> None:
    """Brings the file to this schema. Raises `UserError`, having changed nothing, when it is not ours."""
    with opening(path):
        if not identify(db, path) and not create:
            raise UserError(f"{path}: empty, so no store yet; name an existing one")
        make_durable(db, path, busy_s)
        migrate(db)


def identify(db: sqlite3.Connection, path: Path) -> bool:
    """Whether a store is here (False: the file is new). Raises when it is not ours, or of a newer e3p."""
    held = _pragma(db, "user_version")
    empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    if empty and not held:
        return False
    if _pragma(db, "application_id") != APPLICATION_ID:
        raise UserError(f"{path}: an SQLite file of another program; name a file of its own for the store")
    if held > len(STEPS):
        raise StoreTooNew(
            f"{path}: schema {held}, of a newer e3p; this e3p knows schemas up to {len(STEPS)}: update it"
        )
    return True


def pending(path: Path) -> tuple[int, int]:
    """The schema that a store's file has now, and the one that opening it brings. Raises `UserError`."""
    with closing(connect(path, create=False, busy_s=0.0)) as db, opening(path):
        identify(db, path)
        return _pragma(db, "user_version"), len(STEPS)


def migrate(db: sqlite3.Connection, steps: tuple[Step, ...] = STEPS) -> None:
    """Takes the steps that the file has not seen yet, all or none."""
    if _pragma(db, "user_version") == len(steps):
        return
    with writing(db):
        for step in steps[_pragma(db, "user_version") :]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(steps)}")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
