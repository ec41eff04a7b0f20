"""Backup and restore of a store in a file: bit for bit, under a running writer, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from telemetry.contract.errors import UserError
from telemetry.store.backup import INDEX, back_up, restore
from telemetry.store.books import read_ledger
from telemetry.store.interface import StoreTooNew
from telemetry.store.sqlite import SqliteStore
from tests.collecting import until
from tests.commands import e3p
from tests.contracts.store.builders import POWER, health, letter, power, revision, word

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
NOW_S = 1_750_000_000.0
OTHER = POWER._replace(stream="power/board")


def silent(_: float) -> None:
    pass


def content(path: Path) -> dict[str, list[Any]]:
    """Every row of every table, ids and all."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def fill(store: SqliteStore, frames: int = 40) -> None:
    await store.open()
    await store.write([power(seq) for seq in range(frames) if seq != 7])
    await store.write([health(0, word(frames, lost=((7, 7, 4),)))])
    await store.bury([letter("k1"), letter("k2", at=5, body=None)])
    await store.put([revision(1), revision(2, doc=b'{"j": 1.5}'), revision(1, kind="ranking", node=None)])
    await store.close()


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    filled = SqliteStore(tmp_path / "e3p.db")
    await fill(filled)
    return filled


@pytest.fixture
async def backup(store: SqliteStore, tmp_path: Path) -> Path:
    await back_up(store, tmp_path / "backup", NOW_S, silent)
    return tmp_path / "backup"


async def test_a_restored_store_is_the_same_to_the_last_bit(
    store: SqliteStore, backup: Path, tmp_path: Path
) -> None:
    again = SqliteStore(tmp_path / "again.db")
    said = await restore(backup, again, force=False)
    assert content(again.path) == content(store.path)
    assert said.holds == {"frames": 40, "letters": 2, "documents": 3}
    for each in (store, again):
        await each.open()
    assert await read_ledger(again) == await read_ledger(store)
    assert await again.letters() == await store.letters()
    assert await again.history("result", "trial-1") == await store.history("result", "trial-1")
    for each in (store, again):
        await each.close()


async def test_a_restored_store_is_written_on_as_before(backup: Path, tmp_path: Path) -> None:
    again = SqliteStore(tmp_path / "again.db")
    await restore(backup, again, force=False)
    await again.open()
    assert [verdict.value for verdict in await again.write([power(3), power(40)])] == ["repeat", "stored"]
    await again.close()


async def test_a_backup_of_a_store_that_is_written_holds_one_state_of_it(
    store: SqliteStore, tmp_path: Path
) -> None:
    written = 40
    await store.open()
    async with anyio.create_task_group() as tasks:

        async def write() -> None:
            nonlocal written
            while True:
                # Two streams in one transaction: a state in between would tear them apart.
                batch = [power(written), power(written, key=OTHER)]
                await store.write(batch)
                written += 1

        tasks.start_soon(write)
        for turn in range(5):
            before = written
            said = await back_up(SqliteStore(store.path), tmp_path / f"backup-{turn}", NOW_S, silent)
            copied = said.holds["frames"] - 40
            assert copied % 2 == 0
            assert before - 40 <= copied // 2 <= written - 40
            await until(lambda since=before: written > since)  # the writer was not held up for good
        tasks.cancel_scope.cancel()
    await store.close()


async def test_a_store_that_is_there_is_replaced_only_by_force(store: SqliteStore, backup: Path) -> None:
    await store.open()
    await store.write([power(50)])
    await store.close()
    with pytest.raises(UserError, match="--force"):
        await restore(backup, store, force=False)
    await restore(backup, store, force=True)
    assert len(content(store.path)["frame"]) == 40


async def test_a_store_that_others_have_open_is_not_replaced(store: SqliteStore, backup: Path) -> None:
    await store.open()
    with pytest.raises(UserError, match="stop them first"):
        await restore(backup, SqliteStore(store.path), force=True)
    assert [verdict.value for verdict in await store.write([power(3)])] == ["repeat"]
    await store.close()


async def test_a_write_ahead_log_that_a_kill_left_is_in_the_backup(tmp_path: Path) -> None:
    path = tmp_path / "e3p.db"
    code = (
        "import sys, os, signal, anyio\n"
        "from pathlib import Path\n"
        "from telemetry.store.sqlite import SqliteStore\n"
        "from tests.integration.test_backup import fill, power\n"
        "async def main():\n"
        "    store = SqliteStore(Path(sys.argv[1])); await fill(store)\n"
        "    await store.open(); await store.write([power(99)])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "anyio.run(main)\n"
    )
    await anyio.run_process([sys.executable, "-c", code, str(path)], check=False, cwd=ROOT)
    assert path.with_name("e3p.db-wal").exists()
    assert (await back_up(SqliteStore(path), tmp_path / "backup", NOW_S, silent)).holds["frames"] == 41


async def test_an_interrupted_backup_leaves_nothing_that_looks_whole(
    store: SqliteStore, tmp_path: Path
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await back_up(store, tmp_path / "backup", NOW_S, interrupt)
    assert names(tmp_path) == ["e3p.db"]


async def test_a_killed_backup_leaves_nothing_that_looks_whole(store: SqliteStore, tmp_path: Path) -> None:
    code = (
        "import sys, os, signal, anyio\n"
        "from pathlib import Path\n"
        "from telemetry.store.backup import back_up\n"
        "from telemetry.store.sqlite import SqliteStore\n"
        "def kill(share): os.kill(os.getpid(), signal.SIGKILL)\n"
        "anyio.run(back_up, SqliteStore(Path(sys.argv[1])), Path(sys.argv[2]), 0.0, kill)\n"
    )
    target = tmp_path / "backup"
    command = [sys.executable, "-c", code, str(store.path), str(target)]
    done = await anyio.run_process(command, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    (left,) = [name for name in names(tmp_path) if "partial" in name]
    with pytest.raises(UserError, match=INDEX):
        await restore(tmp_path / left, SqliteStore(tmp_path / "again.db"), force=False)
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize("offset", [0, 100, 30_000, -1])
async def test_a_backup_with_a_flipped_bit_is_refused(backup: Path, tmp_path: Path, offset: int) -> None:
    file = backup / "store.db"
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        await restore(backup, SqliteStore(tmp_path / "again.db"), force=False)


async def test_a_backup_of_another_format_is_refused_by_name(backup: Path, tmp_path: Path) -> None:
    said = json.loads((backup / INDEX).read_text())
    (backup / INDEX).write_text(json.dumps({**said, "format": 2, "files": "elsewhere"}))
    with pytest.raises(UserError, match="format 2"):
        await restore(backup, SqliteStore(tmp_path / "again.db"), force=False)


async def test_a_backup_of_a_newer_schema_is_refused(backup: Path, tmp_path: Path) -> None:
    file = backup / "store.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    said = json.loads((backup / INDEX).read_text())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    said["files"] = [{"name": "store.db", "size_bytes": file.stat().st_size, "sha256": digest}]
    (backup / INDEX).write_bytes(msgspec.json.encode(said))
    with pytest.raises(StoreTooNew, match="schema 99"):
        await restore(backup, SqliteStore(tmp_path / "again.db"), force=False)


async def test_a_folder_that_holds_something_is_not_written_to(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="not empty"):
        await back_up(store, tmp_path / "mine", NOW_S, silent)
    assert names(tmp_path / "mine") == ["letter.txt"]


def test_a_store_that_is_not_there_cannot_be_backed_up(tmp_path: Path) -> None:
    said = e3p("backup", tmp_path / "b", "--store", f"sqlite:///{tmp_path}/none.db")
    assert said.status == 2
    assert "no store here" in said.err
    assert not (tmp_path / "b").exists()


def test_both_commands_say_what_they_did(tmp_path: Path) -> None:
    anyio.run(fill, SqliteStore(tmp_path / "e3p.db"))
    store, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("e3p", "other"))
    said = e3p("backup", tmp_path / "b", "--store", store)
    assert said.status == 0
    assert "40 frames, 2 letters, 3 documents" in said.out
    said = e3p("restore", tmp_path / "b", "--store", other, "--json")
    assert json.loads(said.out)["holds"]["frames"] == 40
    assert e3p("ledger", "--store", other, "--json").out == e3p("ledger", "--store", store, "--json").out
