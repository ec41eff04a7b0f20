"""The SQLite file: what it is recognised by, how it grows, and that questions go by its indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.store.interface import StoreTooNew, StoreUnavailable
from telemetry.store.sqlite import SqliteStore, accounts, documents, frames, schema
from telemetry.store.sqlite.connection import PAGE_BYTES, writing
from tests.contracts.store.builders import power

pytestmark = pytest.mark.anyio

WINDOW = {"stream": 1, "begin": 5, "end": 6, "earliest": 4, "bare": False}
NODE = {"node": "tx2", "kind": "result"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e3p.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_s=0.05)
    await store.open()
    yield store
    await store.close()


def plan(path: Path, query: str, values: dict[str, object]) -> list[str]:
    """What SQLite would do for a query, line by line, leaving out what happens among its own results."""
    with closing(sqlite3.connect(path)) as db:
        return [line for *_, line in db.execute(f"EXPLAIN QUERY PLAN {query}", values)]


def opened(path: Path, *, create: bool = True) -> None:
    """Opens a store and closes it again."""

    async def open_and_close() -> None:
        store = SqliteStore(path, create=create)
        await store.open()
        await store.close()

    anyio.run(open_and_close)


def damage(path: Path) -> None:
    """Overwrites all but the first page, as a failing disk might."""
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES)
        file.write(b"\xff" * (path.stat().st_size - PAGE_BYTES))


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


async def test_a_new_file_says_which_schema_it_has(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)


async def test_a_commit_is_on_the_disk_and_readers_do_not_wait(store: SqliteStore) -> None:
    assert store._writer is not None
    settings = ("journal_mode", "synchronous", "page_size")
    found = [await store._writer.run(lambda db, s=s: db.execute(f"PRAGMA {s}").fetchone()) for s in settings]
    assert found == [("wal",), (2,), (PAGE_BYTES,)]


async def test_opening_again_takes_no_step_twice(store: SqliteStore, path: Path) -> None:
    await store.write([power(0)])
    again = SqliteStore(path)
    await again.open()
    assert len(await again.accounts()) == 1
    await again.close()


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_file_takes_the_steps_it_lacks(path: Path, taken: int) -> None:
    steps = (("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "INSERT INTO b VALUES (7)"), ("DROP TABLE a",))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        schema.migrate(db, steps[:taken])
        schema.migrate(db, steps)
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("b",)]
        assert db.execute("SELECT x FROM b").fetchall() == [(7,)]


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(db, (("CREATE TABLE a (x)", "INSERT INTO nowhere VALUES (1)"),))
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert db.execute("PRAGMA user_version").fetchone() == (0,)


def test_a_store_of_a_newer_schema_names_both_and_the_file(path: Path) -> None:
    opened(path)
    run(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match=rf"{path}: schema 99.*up to {len(schema.STEPS)}"):
        opened(path)


def test_a_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    run(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"Time,Watts\n" * 200, bytes(range(256)) * 20])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path}: no SQLite file"):
        opened(path)
    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a folder; a store is a file"):
        opened(tmp_path)


def test_a_place_below_a_file_is_refused(path: Path) -> None:
    path.write_text("")
    with pytest.raises(UserError, match="there is no folder"):
        opened(path / "below" / "e3p.db")


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*typo; make it first, or name another file"):
        opened(tmp_path / "typo" / "e3p.db")
    assert not (tmp_path / "typo").exists()


def test_a_store_that_must_be_there_is_not_made(path: Path) -> None:
    with pytest.raises(UserError, match=f"{path}: no store here"):
        opened(path, create=False)
    assert not path.exists()


def test_an_empty_file_is_no_store_for_a_reader(path: Path) -> None:
    path.touch()
    with pytest.raises(UserError, match=f"{path}: empty"):
        opened(path, create=False)


def test_a_file_name_may_have_any_sign(tmp_path: Path) -> None:
    odd = tmp_path / "a b%20#?ü.db"
    opened(odd)
    opened(odd, create=False)
    assert [each.name for each in tmp_path.iterdir()] == [odd.name]


async def test_a_file_that_may_only_be_read_says_so_when_written(store: SqliteStore) -> None:
    assert store._writer is not None
    await store._writer.run(lambda db: db.execute("PRAGMA query_only = 1"))
    with pytest.raises(UserError, match="cannot be written"):
        await store.write([power(0)])


async def test_a_damaged_file_says_so_when_it_is_read(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.write([power(seq) for seq in range(2_000)])
    await store.close()
    damage(path)
    await store.open()
    with pytest.raises(UserError, match=f"{path}: damaged"):
        await store.accounts()
    await store.close()


async def test_a_full_disk_is_unavailable_and_nothing_of_the_batch_is_kept(store: SqliteStore) -> None:
    assert store._writer is not None
    (pages,) = await store._writer.run(lambda db: db.execute("PRAGMA page_count").fetchone())
    await store._writer.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreUnavailable, match="full"):
        await store.write([power(seq) for seq in range(1_000)])
    assert await store.accounts() == []
    await store._writer.run(lambda db: db.execute("PRAGMA max_page_count = 100000"))
    await store.write([power(0)])
    assert len(await store.accounts()) == 1


async def test_a_store_that_another_process_holds_too_long_is_unavailable(
    store: SqliteStore, path: Path
) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        writing(other),
        pytest.raises(StoreUnavailable, match="locked"),
    ):
        await store.write([power(0)])
    await store.write([power(0)])


async def test_a_row_taken_out_of_the_file_shows_in_the_account(store: SqliteStore, path: Path) -> None:
    await store.write([power(seq) for seq in range(9)])
    run(path, "DELETE FROM frame WHERE seq = 4")
    (account,) = await store.accounts()
    assert (account.stored.as_lists(), account.samples) == ([[0, 3], [5, 8]], 32)


async def test_a_closed_store_says_that_it_is_not_open(path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await SqliteStore(path).accounts()


@pytest.mark.parametrize("query", [frames.OVERLAPPING, frames.BEFORE, frames.AFTER])
async def test_a_window_is_found_by_the_index_of_times_alone(
    store: SqliteStore, path: Path, query: str
) -> None:
    (line,) = plan(path, query, dict(WINDOW))
    assert line.startswith("SEARCH frame USING COVERING INDEX frame_time (stream=? AND t0")


@pytest.mark.parametrize(
    "query",
    [
        accounts.ENDS,
        accounts.RUNS,
        accounts.SUMS.format(chosen="1"),
        accounts.SUMS.format(chosen=accounts.OF_NODE),
    ],
)
async def test_accounts_read_no_body_and_sort_nothing(store: SqliteStore, path: Path, query: str) -> None:
    lines = plan(path, query, {"node": "tx2", "stream": 1})
    assert not [line for line in lines if "TEMP B-TREE" in line]
    tables = [line for line in lines if " frame " in f"{line} " or " before " in line]
    assert tables
    assert all("COVERING INDEX" in line for line in tables)


@pytest.mark.parametrize("chosen", ["", "AND node = :node"])
async def test_the_latest_documents_are_chosen_by_index_alone(
    store: SqliteStore, path: Path, chosen: str
) -> None:
    lines = plan(path, documents.LATEST.format(chosen=chosen), dict(NODE))
    assert any(line.startswith("SEARCH document USING COVERING INDEX document_") for line in lines)
    assert "SCAN document" not in lines
