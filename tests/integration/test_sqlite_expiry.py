"""What is old leaves a SQLite store bit by bit, and the ledger does not change with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetry.contract.intervals import IntervalSet
from telemetry.store.access import Keeps
from telemetry.store.books import read_ledger
from telemetry.store.interface import Revision, Verdict
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import ANCHOR, Maker, S

pytestmark = pytest.mark.anyio

DAY = 86_400
MAKER = Maker()
POWER = MAKER.key("power/main")


class Clock:
    """The server's clock, at second `at_s` of the node."""

    def __init__(self) -> None:
        self.at_s = 0

    def __call__(self) -> int:
        return ANCHOR + self.at_s * S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db", keeps=Keeps(raw_days=30, window_days=365), now_ns=clock)
    await opened.open()
    yield opened
    await opened.close()


async def tidied(store: SqliteStore) -> int:
    """How many steps it took."""
    steps = 0
    while await store.tidy():
        steps += 1
    return steps


async def test_old_frames_leave_and_count_as_stored(store: SqliteStore, clock: Clock) -> None:
    await store.write(
        [MAKER.manifest(), *MAKER.powers(0, 99), MAKER.health(0, 100, MAKER.said(100, ticks=2000))]
    )
    before = await read_ledger(store)
    clock.at_s = 30 * DAY + 50
    await tidied(store)
    assert [seq for seq, _ in await store.frames(POWER, IntervalSet.below(100))] == list(range(50, 100))
    assert await read_ledger(store) == before
    assert all(row.closed for row in before)


async def test_an_expired_frame_that_comes_again_is_a_repeat(store: SqliteStore, clock: Clock) -> None:
    await store.write(MAKER.powers(0, 9))
    clock.at_s = 31 * DAY
    await tidied(store)
    assert await store.write([MAKER.power(5)]) == [Verdict.REPEAT]
    assert await store.frames(POWER, IntervalSet.below(10)) == []


async def test_manifests_stay(store: SqliteStore, clock: Clock) -> None:
    await store.write([MAKER.manifest(), *MAKER.powers(0, 3)])
    clock.at_s = 400 * DAY
    await tidied(store)
    assert len(await store.frames(MAKER.key("manifest/node"), IntervalSet.below(1))) == 1


async def test_what_was_too_old_when_it_came_is_kept(store: SqliteStore, clock: Clock) -> None:
    clock.at_s = 365 * DAY
    await store.write(MAKER.powers(0, 9))
    clock.at_s = 3650 * DAY
    await tidied(store)
    assert len(await store.frames(POWER, IntervalSet.below(10))) == 10


async def test_windows_of_work_leave_after_years_and_trials_never(store: SqliteStore, clock: Clock) -> None:
    doc = b'{"end":%d}' % ANCHOR
    kinds = ("interval", "result", "event")
    await store.put([Revision(kind=kind, id="x", revision=1, node="n", doc=doc) for kind in kinds])
    clock.at_s = 366 * DAY
    await tidied(store)
    assert [len(await store.latest(kind)) for kind in kinds] == [0, 1, 1]


async def test_of_baselines_only_the_newest_word_stays(store: SqliteStore) -> None:
    await store.put([Revision(kind="baseline", id="j", revision=n, node="n", doc=b"{}") for n in range(5)])
    await tidied(store)
    assert [each.revision for each in await store.history("baseline", "j")] == [4]


async def test_many_frames_leave_in_small_steps_and_the_file_shrinks(
    store: SqliteStore, clock: Clock
) -> None:
    for first in range(0, 4000, 500):
        await store.write(MAKER.powers(first, first + 499, w=os.urandom(80)))
    full = (await store.size()).bytes
    clock.at_s = 40 * DAY
    assert await tidied(store) >= 8
    size = await store.size()
    assert size.gives_back
    assert size.free_bytes <= max(0.1 * size.bytes, 256 * 16_384)
    assert size.bytes <= full


async def test_for_ever_is_for_ever(tmp_path: Path, clock: Clock) -> None:
    store = SqliteStore(tmp_path / "other.db", now_ns=clock)
    await store.open()
    await store.write(MAKER.powers(0, 3))
    clock.at_s = 100_000 * DAY
    assert not await store.tidy()
    assert len(await store.frames(POWER, IntervalSet.below(4))) == 4
    await store.close()


KILLED = """
    import sys, anyio
    from pathlib import Path
    from telemetry.store.access import Keeps
    from telemetry.store.sqlite import SqliteStore

    async def main():
        keeps = Keeps(raw_days=1)
        store = SqliteStore(Path(sys.argv[1]), keeps=keeps, now_ns=lambda: int(sys.argv[2]))
        await store.open()
        while await store.tidy():
            print("step", flush=True)
        await anyio.sleep(60)

    anyio.run(main)
"""


async def test_killed_in_the_middle_it_goes_on_and_the_ledger_stays_closed(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "killed.db"
    store = SqliteStore(path, keeps=Keeps(raw_days=1), now_ns=clock)
    await store.open()
    await store.write([*MAKER.powers(0, 2999), MAKER.health(0, 3000, MAKER.said(3000, ticks=60_000))])
    await store.write([MAKER.manifest(), MAKER.health(1, 3010, MAKER.said(2, "health/agent"))])
    before = await read_ledger(store)
    await store.close()
    clock.at_s = 3 * DAY
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(clock())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: ASYNC220 - it is waited for at once
        assert child.stdout is not None
        assert [child.stdout.readline() for _ in range(3)] == [b"step\n"] * 3
        child.send_signal(signal.SIGKILL)
    await store.open()
    held = len(await store.frames(POWER, IntervalSet.below(3000)))
    assert held < 3000
    assert await read_ledger(store) == before
    await tidied(store)
    assert await store.frames(POWER, IntervalSet.below(3000)) == []
    assert await read_ledger(store) == before
    await store.close()
