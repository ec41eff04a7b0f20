"""A store in a file has one collector, and a service says when it makes a new store."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from e3p.patience import Attendance, waited_for
from e3p.settings import Settings, load
from telemetry.contract.errors import UserError
from telemetry.store.sqlite import SqliteStore
from tests.commands import e3p

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
DYING = """
import sys, os, signal, anyio
from pathlib import Path
from telemetry.store.sqlite import SqliteStore
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    await store.attend("a collector")
    os.kill(os.getpid(), signal.SIGKILL)
anyio.run(main)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(level="info", store=f"sqlite:///{tmp_path}/e3p.db")


async def test_a_second_collector_is_refused_with_the_name_of_the_first(settings: Settings) -> None:
    async with waited_for(settings, Attendance("serve")):
        with pytest.raises(
            UserError, match=r"e3p serve on \S+ \(process \d+\) collects into this store; stop"
        ):
            async with waited_for(settings, Attendance("collect")):
                pass


async def test_others_use_the_store_beside_its_collector(settings: Settings) -> None:
    async with waited_for(settings, Attendance("collect")), waited_for(settings) as analyzing:
        assert await analyzing.accounts() == []


async def test_after_a_collector_comes_another_and_nothing_is_left_beside_the_store(
    settings: Settings, tmp_path: Path
) -> None:
    for command in ("serve", "collect"):
        async with waited_for(settings, Attendance(command)):
            pass
    assert not await anyio.Path(tmp_path, "e3p.db.collector").exists()


async def test_a_killed_collector_is_in_nobodys_way(settings: Settings, tmp_path: Path) -> None:
    await anyio.run_process([sys.executable, "-c", DYING, str(tmp_path / "e3p.db")], cwd=ROOT, check=False)
    assert (tmp_path / "e3p.db.collector").read_text() == "a collector"
    async with waited_for(settings, Attendance("collect")):
        pass


async def test_a_new_store_is_told_of_and_one_that_is_there_is_not(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    for _ in range(2):
        caplog.clear()
        async with waited_for(settings):
            told.append([record.__dict__["facts"] for record in caplog.records])
    assert told == [[{"at": tmp_path / "e3p.db"}], []]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    said = e3p("collect", "--store", f"sqlite:///{tmp_path}/typo/e3p.db")
    assert said.status == 2
    assert f"there is no folder {tmp_path / 'typo'}; make it first, or name another file" in said.err
    assert not (tmp_path / "typo").exists()


async def test_the_same_collector_may_say_again_that_it_is_there(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "e3p.db")
    await store.open()
    for _ in range(2):
        await store.attend("a collector")
    await store.close()
