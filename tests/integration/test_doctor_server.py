"""What `e3p doctor --server` tells of store, disk and clock."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest

from collector.app import Collector
from collector.settings import CollectorSettings
from e3p.settings import Settings, load
from e3p.store_check import examine_disks, examine_store, examine_time
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address
from telemetry.runtime.service import run_services
from telemetry.store.sqlite import SqliteStore
from telemetry.store.sqlite import schema as sqlite_schema
from tests.commands import e3p
from tests.contracts.store.builders import power

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a node in it."""
    anyio.run(_made, tmp_path / "e3p.db")
    return tmp_path / "e3p.db"


async def _made(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.write([power(0)])
    await store.close()


def of(path: Path) -> Settings:
    return load(store=f"sqlite:///{path}", edge__spool=str(path.parent / "none" / "node.spool"))


async def test_a_good_store_is_written_to_and_left_as_it_was(path: Path) -> None:
    (found,) = await examine_store(of(path))
    assert found.well
    assert found.words.startswith("writable; holds 1 node; ")
    store = SqliteStore(path)
    await store.open()
    assert await store.letters() == []
    await store.close()


async def test_a_store_that_takes_no_write_is_not_well(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON letter BEGIN SELECT raise(ABORT, 'disk I/O error'); END"
        )
    (found,) = await examine_store(of(path))
    assert not found.well
    assert "disk I/O error" in found.words


async def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    (found,) = await examine_store(of(tmp_path / "none.db"))
    assert not found.well
    assert "none.db: no store here" in found.words


async def test_an_older_store_is_not_changed_by_looking_at_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ("CREATE TABLE later (id INTEGER)",)
    monkeypatch.setattr(sqlite_schema, "STEPS", (*sqlite_schema.STEPS, step))
    newest = len(sqlite_schema.STEPS)
    (found,) = await examine_store(of(path))
    assert found.well
    assert f"makes it {newest}: `e3p backup` it before" in found.words
    assert sqlite_schema.pending(path) == (newest - 1, newest)


def test_disks_are_those_below_store_and_spool(path: Path) -> None:
    store, spool = examine_disks(of(path), device=True)
    assert str(path.parent) in store.words
    assert "for the spool" in spool.words
    assert [found.words for found in examine_disks(of(path), device=False)] == [store.words]


@pytest.mark.parametrize(("now_s", "well"), [(0.0, False), (1_600_000_000.0, False), (1_780_000_000.0, True)])
def test_a_clock_of_the_past_is_not_well(now_s: float, well: bool) -> None:
    assert examine_time(now_s).well is well


def test_without_a_broker_the_server_side_is_not_well_and_no_sensor_is_looked_at(path: Path) -> None:
    said = e3p("doctor", "--server", "--json", "--store", f"sqlite:///{path}", "--mqtt", "mqtt://127.0.0.1:1")
    findings = {each["topic"]: each["well"] for each in json.loads(said.out)["findings"]}
    assert said.status == 1
    assert findings == {"broker": False, "clock": True, "store": True, "disk": True, "time": True}


def test_a_token_that_cannot_be_read_is_a_finding_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_STORE_TOKEN_FILE", str(tmp_path / "token"))
    where = ["--store", "influxdb://127.0.0.1:1/?org=e3p&bucket=e3p", "--mqtt", "mqtt://127.0.0.1:1"]
    found = json.loads(e3p("doctor", "--server", "--json", *where).out)["findings"]
    assert [each["topic"] for each in found] == ["broker", "clock", "store", "time"]
    assert "token: cannot be read" in found[2]["words"]


def test_the_table_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as short:  # a path is one word, and no word is broken
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.chdir(short)
        said = e3p("doctor", "--server", "--store", "sqlite:///e3p.db", "--mqtt", "mqtt://127.0.0.1:1")
        assert max(map(len, said.out.splitlines())) <= 100
        monkeypatch.undo()


async def test_the_server_side_is_well_when_all_of_it_answers(path: Path) -> None:
    store, stop = SqliteStore(path), anyio.Event()
    await store.open()
    async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
        part = Collector(CollectorSettings(), store, Address.parse(broker.url))
        tasks.start_soon(partial(run_services, part.services, stop=stop))
        await part.time_link.until_connected()
        where = ["--store", f"sqlite:///{path}", "--mqtt", broker.url]
        said = await anyio.to_thread.run_sync(lambda: e3p("doctor", "--server", *where))
        stop.set()
    await store.close()
    assert said.status == 0
