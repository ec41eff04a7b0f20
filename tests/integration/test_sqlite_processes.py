"""One SQLite store, several processes: they write at once, and a killed one loses nothing it acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

WRITER = """
import sys
import anyio
from pathlib import Path
from telemetry.store.interface import Revision
from telemetry.store.sqlite import SqliteStore
from tests.contracts.store.builders import POWER, power

path, node, frames = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
key = POWER._replace(node=node)

async def main():
    store = SqliteStore(path, busy_s=60)
    await store.open()
    for begin in range(0, frames, 10):
        await store.write([power(seq, key=key) for seq in range(begin, begin + 10)])
        doc = Revision(kind="result", id=node, revision=begin, node=node, doc=b"{}")
        await store.put([doc])
        print(begin + 9, flush=True)
    await store.close()

anyio.run(main)
"""
ROOT = Path(__file__).parents[2]
FOREVER = 10_000_000

Start = Callable[[str, int], "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e3p.db"


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Starts a process that writes so many frames of a node, and prints each number that is acknowledged."""
    started: list[subprocess.Popen[str]] = []

    def writer(node: str, frames: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, str(path), node, str(frames)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield writer
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def held(path: Path) -> dict[StreamKey, IntervalSet]:
    store = SqliteStore(path, create=False, busy_s=60)
    await store.open()
    try:
        return {account.key: account.stored for account in await store.accounts()}
    finally:
        await store.close()


async def test_processes_that_make_and_write_one_store_at_once_lose_nothing(start: Start, path: Path) -> None:
    writers = [start(f"node{at}", 300) for at in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    found = await held(path)
    assert sorted(found) == [StreamKey(f"node{at}", "b1", "power/main") for at in range(3)]
    assert set(found.values()) == {IntervalSet.below(300)}


async def test_a_reader_reads_while_others_write(start: Start, path: Path) -> None:
    writers = [start(f"node{at}", FOREVER) for at in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for _ in range(5):
        assert all(stored.through >= 9 for stored in (await held(path)).values())


@pytest.mark.parametrize("batches", [1, 7, 40])
async def test_a_killed_writer_loses_nothing_that_it_acknowledged(
    start: Start, path: Path, batches: int
) -> None:
    writer = start("node", FOREVER)
    assert writer.stdout is not None
    for _ in range(batches):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate()
    acknowledged = int([str(10 * batches - 1), *rest.split()][-1])
    (stored,) = (await held(path)).values()
    assert stored.through >= acknowledged
    assert (stored.through + 1) % 10 == 0, "a batch is there as a whole or not at all"


async def test_another_process_writes_on_after_one_was_killed(start: Start, path: Path) -> None:
    killed = start("killed", FOREVER)
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    assert start("next", 50).wait(120) == 0
    found = await held(path)
    assert found[StreamKey("next", "b1", "power/main")] == IntervalSet.below(50)
