"""`e3p store size` and `compact`, on a file of an older e3p too."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio

from telemetry.store.interface import Revision
from telemetry.store.sqlite import SqliteStore
from tests.commands import e3p


def made(path: Path, *, gives_back: bool = True) -> str:
    """A store with room inside; its URL."""

    async def fill() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.put(
            [Revision(kind="baseline", id="j", revision=n, node="n", doc=b"0" * 100_000) for n in range(50)]
        )
        while await store.tidy():
            pass
        await store.close()

    anyio.run(fill)
    if not gives_back:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA auto_vacuum = NONE")
            db.execute("VACUUM")
    return f"sqlite:///{path}"


def test_the_size_is_told(tmp_path: Path) -> None:
    said = e3p("store", "size", "--json", "--store", made(tmp_path / "e3p.db"))
    told = json.loads(said.out)
    assert (told["gives_back"], told["bytes"] > told["free_bytes"] > 0) == (True, True)


def test_a_file_that_gives_nothing_back_does_so_once_it_is_compact(tmp_path: Path) -> None:
    url = made(tmp_path / "e3p.db", gives_back=False)
    assert "`e3p store compact` would give back" in e3p("store", "size", "--store", url).out
    assert e3p("store", "compact", "--store", url).status == 0
    told = json.loads(e3p("store", "size", "--json", "--store", url).out)
    assert (told["gives_back"], told["free_bytes"]) == (True, 0)
