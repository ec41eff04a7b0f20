"""The spool's file: its tables, how it is opened, and how a broken one is put aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from edge_node.spool_wal import mend
from telemetry.contract.errors import UserError
from telemetry.runtime import logs

VERSION = 2
BUSY_S = 2.0
# A commit writes every page it touches, three at least, and in watch mode for a frame of 500 bytes: pages of
# 4 KiB would wear an SD card out four times as fast.
PAGE_BYTES = 1024
COMPANIONS = ("-wal", "-shm", "-journal")

log = logs.get("spool")

# `frame` has a rowid that rises with age, so the newest and the oldest are found without a sort. `crc` tells
# a frame whose bits a disk has flipped, which SQLite would not notice; one of schema 1 has none.
TABLES = """
CREATE TABLE boot (boot TEXT PRIMARY KEY, anchor INTEGER NOT NULL, os_boot TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sequence (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, stream TEXT NOT NULL,
    next_seq INTEGER NOT NULL, ticks INTEGER NOT NULL, UNIQUE (boot, stream));
CREATE TABLE frame (
    id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, seq INTEGER NOT NULL,
    t0 INTEGER NOT NULL, ticks INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER, UNIQUE (sequence, seq));
CREATE TABLE lost (
    sequence INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, ticks INTEGER NOT NULL,
    PRIMARY KEY (sequence, first)) WITHOUT ROWID;
CREATE TABLE trial (
    at INTEGER PRIMARY KEY, trial TEXT NOT NULL UNIQUE, os_boot TEXT NOT NULL, images INTEGER NOT NULL,
    pid INTEGER NOT NULL, started INTEGER);
CREATE TABLE marker (next_n INTEGER NOT NULL, pid INTEGER NOT NULL, started INTEGER);
CREATE TABLE held (at INTEGER PRIMARY KEY, mark BLOB NOT NULL, os_boot TEXT NOT NULL);
"""

FROM_1 = "ALTER TABLE frame ADD COLUMN crc INTEGER;"


class SpoolBroken(Exception):
    """The file is no spool, or a damaged one. The text says how that showed."""


class SpoolBlocked(Exception):
    """The disk is full, read-only or failing: nothing was written, what is there stays there."""


def connect(path: Path) -> sqlite3.Connection:
    """The database, checked and locked for this process alone.

    Raises `SpoolBroken`, and `UserError` when another agent has it or the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.OperationalError) as error:
        raise UserError(f"spool {path}: cannot be opened ({error}); name another with `spool`") from None
    try:
        _mend_log(path)
        _prepare(connection)
    except (OSError, sqlite3.OperationalError, UserError) as error:
        connection.close()
        raise _refusal(path, error) from None
    except (sqlite3.DatabaseError, SpoolBroken) as error:
        connection.close()
        raise SpoolBroken(str(error)) from None
    return connection


def put_aside(path: Path, stamp: str) -> Path:
    """Renames a broken spool to ``NAME.corrupt-STAMP``, its companions with it. Where it is now."""
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    for companion in COMPANIONS:
        part = path.with_name(path.name + companion)
        if part.exists():
            part.replace(aside.with_name(aside.name + companion))
    return path.replace(aside)


def _mend_log(path: Path) -> None:
    if mend(path.with_name(f"{path.name}-wal")):
        log.warning("bits of the spool's log are not what was written; it is sealed anew", spool=str(path))


def _prepare(connection: sqlite3.Connection) -> None:
    # Set before the file is read: one agent alone writes here, the lock ends with its process, and no
    # shared memory is mapped, whose writing on a full disk would kill us.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -2048")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version > VERSION:
        raise UserError(f"it has schema {version} of a newer e3p, this one knows {VERSION}")
    elif version == 1:
        connection.executescript(f"BEGIN IMMEDIATE; {FROM_1} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise SpoolBroken("it has no schema of ours")
    with closing(connection.execute("PRAGMA integrity_check(1)")) as check:
        (words,) = check.fetchone()
    if words != "ok":
        raise SpoolBroken(words)


def _refusal(path: Path, error: Exception) -> UserError:
    if isinstance(error, UserError):
        return UserError(f"spool {path}: {error}; name another `spool`")
    if "locked" in str(error):
        return UserError(f"spool {path}: another agent has it open; stop that one, or name another `spool`")
    return UserError(f"spool {path}: cannot be written ({error}); free the disk, or name another `spool`")
