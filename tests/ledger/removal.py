"""Taking one frame away behind everybody's back: no part of the program can do what is done here."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from tests.ledger.wire import Key

Site = Literal["spool", "broker", "store", "quarantine"]
SITES: tuple[Site, ...] = ("spool", "broker", "store", "quarantine")

FROM_SPOOL = """DELETE FROM frame WHERE seq = :seq
    AND sequence = (SELECT id FROM sequence WHERE boot = :boot AND stream = :stream)"""
FROM_STORE = """DELETE FROM frame WHERE seq = :seq AND stream = (
    SELECT stream.id FROM stream JOIN boot ON boot.id = stream.boot
    WHERE node = :node AND boot.boot = :boot AND name = :stream)"""
FROM_QUARANTINE = """DELETE FROM letter
    WHERE node = :node AND boot = :boot AND stream = :stream AND seq = :seq"""


def remove(path: Path, query: str, key: Key) -> None:
    """Deletes the one row that holds the frame."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        row = {**key.stream._asdict(), "seq": key.seq}
        wanted = {name: value for name, value in row.items() if f":{name}" in query}
        assert db.execute(query, wanted).rowcount == 1, f"{key} is not in {path}"
