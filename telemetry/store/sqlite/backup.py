"""A copy of a store in one SQLite file, taken while others write it; and the way back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from telemetry.contract.errors import UserError
from telemetry.store.interface import Contents, StoreUnavailable
from telemetry.store.sqlite.connection import connect, opening, translated
from telemetry.store.sqlite.schema import identify

COPY = "store.db"
STEP_PAGES = 2_048
"""32 MiB are copied in one go; in between it can be interrupted."""
BUSY_S = 5.0
BESIDE = ("-wal", "-shm", "-journal")


def copy_out(path: Path, copy: Path, tell: Callable[[float], None]) -> Contents:
    """Copies the store as it is now to `copy`, checks the copy, and counts what is in it.

    Writers are not held up. `tell` gets the share that is done. Raises `UserError` when there is no store,
    or the copy is damaged.
    """
    with closing(connect(path, create=False, busy_s=BUSY_S)) as source, opening(path):
        identify(source, path)
        with closing(sqlite3.connect(copy, isolation_level=None)) as target, translated(copy):
            # A reader's transaction holds on to one state: without it each write begins the copy anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(
                target,
                pages=STEP_PAGES,
                progress=lambda _, left, whole: tell(1 - left / max(whole, 1)),
            )
            source.execute("ROLLBACK")
            target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
            return check(target, copy)


def check(db: sqlite3.Connection, path: Path) -> Contents:
    """Counts what a store holds. Raises `UserError` when the file is damaged, not ours, or of a newer e3p."""
    with opening(path):
        identify(db, path)
        (words,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if words != "ok":
            raise UserError(f"{path}: damaged: {words}")
        tables = {"frames": "frame", "letters": "letter", "documents": "document"}
        counts = {name: db.execute(f"SELECT count(*) FROM {table}") for name, table in tables.items()}  # noqa: S608 - our own names
        (schema,) = db.execute("PRAGMA user_version").fetchone()
        return Contents(schema, {name: found.fetchone()[0] for name, found in counts.items()})


def copy_in(copy: Path, path: Path, *, force: bool) -> None:
    """Puts a copy in the place of the store, whole or not at all.

    Raises `UserError` for a copy that cannot be used, for a store that is there already, unless `force`, and
    for one that other programs have open.
    """
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as db:
        check(db, copy)
    if path.exists():
        if not force:
            raise UserError(f"{path}: there is a store; --force replaces it, or name another with --store")
        _refuse_in_use(path)
    coming = path.with_name(f"{path.name}.restoring")
    with opening(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(copy, coming)
        with coming.open("rb") as written:
            os.fsync(written.fileno())
        for end in BESIDE:
            path.with_name(path.name + end).unlink(missing_ok=True)
        coming.replace(path)
    except OSError as error:
        coming.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _refuse_in_use(path: Path) -> None:
    """Only one that has the file alone can end its write-ahead log."""
    try:
        with closing(connect(path, create=False, busy_s=0.1)) as db, opening(path):
            identify(db, path)
            db.execute("PRAGMA journal_mode = DELETE")
    except StoreUnavailable:
        raise UserError(f"{path}: other programs have this store open; stop them first") from None
