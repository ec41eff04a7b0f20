"""One SQLite connection on a worker thread, and what its errors mean here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import anyio.to_thread

from telemetry.contract.errors import UserError
from telemetry.store.interface import StoreUnavailable

T = TypeVar("T")

# A frame of 250 × 4 is 5,080 bytes: three lie in a page of 16 KiB without overflow. Larger pages cost more
# for each small commit, pages of 8 KiB waste a third.
PAGE_BYTES = 16_384
WAL_BYTES = 16 * 1024 * 1024
CACHE_KIB = 8_192
ATTEMPTS = 50

# sqlite3 gives error codes from Python 3.11 on only; these words are SQLite's own and have not changed.
TRANSIENT = ("is locked", "database or disk is full", "disk I/O error", "unable to open database file")
FOR_A_PERSON = {
    "readonly": "cannot be written; give this user the right to write it",
    "not a database": "no SQLite file; a store is a file that e3p made",
    "malformed": "damaged; keep it aside and restore a backup, or name a new file",
}


class Connection:
    """A connection that does one thing at a time, on a worker thread: the event loop never waits."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._turn = anyio.CapacityLimiter(1)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work's result. Work that began is finished even when its caller is cancelled."""
        return await anyio.to_thread.run_sync(self._translated, work, limiter=self._turn)

    def _translated(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated(self._path):
            return work(self._db)

    async def close(self) -> None:
        await self.run(sqlite3.Connection.close)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as decisions: `StoreUnavailable` (try again), `UserError`, or stop (as raised)."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        words = str(error)
        if any(known in words for known in TRANSIENT):
            raise StoreUnavailable(f"{path}: {words}") from error
        for known, advice in FOR_A_PERSON.items():
            if known in words:
                raise UserError(f"{path}: {advice}") from error
        raise


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """The same while the store is opened: a person named this file, so most errors are theirs to mend."""
    try:
        with translated(path):
            yield
    except StoreUnavailable as error:
        if "is locked" in str(error):
            raise
        raise UserError(f"{error}; name a file that this user may write, on a disk with room") from error


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """A writing transaction: durable when the block is left, undone when it fails.

    It takes the write lock at once: a transaction that begins by reading fails without waiting when another
    process wrote in between, whatever the busy time-out.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """Several reads of one and the same state."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def connect(path: Path, *, create: bool, busy_s: float) -> sqlite3.Connection:
    """A connection whose settings touch nothing yet. Raises `UserError` when there can be no file."""
    if path.is_dir():
        raise UserError(f"{path}: a folder; a store is a file, such as {path / 'e3p.db'}")
    if create:
        _check_folder(path)
    elif not path.is_file():
        raise UserError(f"{path}: no store here; name an existing one, or start `e3p serve` to make it")
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"
    with opening(path):
        db = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)
        with closed_on_failure(db):
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            db.execute(
                "PRAGMA auto_vacuum = INCREMENTAL"
            )  # of a file that is made now; another keeps its own
    return db


@contextmanager
def closed_on_failure(db: sqlite3.Connection) -> Iterator[None]:
    """A connection that nobody will get is closed."""
    try:
        yield
    except BaseException:
        db.close()
        raise


def make_durable(db: sqlite3.Connection, path: Path, busy_s: float) -> None:
    """Write-ahead log, and a commit that is on the disk when it returns."""
    for attempt in range(ATTEMPTS):
        try:
            (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError:  # another process makes the file now; SQLite does not wait here
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(busy_s / ATTEMPTS)
    if mode != "wal":
        raise UserError(f"{path}: this file system cannot share the store; put it on a local disk")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {WAL_BYTES // PAGE_BYTES}")
    db.execute(f"PRAGMA journal_size_limit = {4 * WAL_BYTES}")


def _check_folder(path: Path) -> None:
    """A folder that is not there is a typing error more often than a wish."""
    folder = path.absolute().parent
    if not folder.is_dir():
        right = "make it first, or name another file with --store"
        raise UserError(f"{path}: there is no folder {folder}; {right}")
