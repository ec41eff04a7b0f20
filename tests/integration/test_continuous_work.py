"""Minutes of work on a real store: 10 s windows, so that node time begins one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from analyzer.book import Book
from analyzer.desk import Desk
from analyzer.query import reanalyze
from telemetry.contract.decode import Received
from telemetry.contract.documents import Result
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import ANCHOR, NODE, Case, Maker, S, content, trial, work

pytestmark = pytest.mark.anyio

WINDOW = 10 * S
MAKER = Maker()
TOLD = [MAKER.manifest(), MAKER.health(0, 1, MAKER.said(1))]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def case(store: SqliteStore) -> Case:
    made = Case(store)
    made.desk = Desk(store, NODE, minute_ns=WINDOW)
    return made


def job(first: int, last: int, app: str = "cam", *, seq: int = 0) -> list[Received]:
    """A line of work at the end of each second, a batch of half a second each."""
    return [MAKER.marks(seq + n, work(second, app)) for n, second in enumerate(range(first, last + 1))]


async def again(store: SqliteStore) -> list[Result]:
    """What a program that starts now makes of all that is stored."""
    return [change.result for change in await reanalyze(store, 0, 1, minute_ns=WINDOW)]


async def test_each_window_of_work_is_a_result_of_its_own(case: Case) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 34), *job(1, 33)])
    results = sorted(await case.now(), key=lambda result: result.begin)
    assert [(each.begin - ANCHOR) // S for each in results] == [0, 10, 20]
    for result in results[1:]:
        assert (result.state, result.app, result.model) == ("valid", "cam", "vit")
        assert (result.images, result.energy_j) == (40, pytest.approx(100.0))
        assert (result.j_per_1000, result.busy) == (pytest.approx(2500.0), pytest.approx(0.45))
        assert result.window == f"work/tx2/cam/vit/{result.begin}/{result.end}"


async def test_a_window_waits_for_its_power(case: Case) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 7), *job(1, 14)])
    assert await case.after(5) == []
    await case.put(MAKER.powers(8, 11))
    assert [result.state for result in await case.after(2)] == ["valid"]


async def test_late_marks_revise_a_window(case: Case) -> None:
    lines = job(1, 23)
    await case.put([*TOLD, *MAKER.powers(0, 24), *lines[:4], *lines[5:]])
    first, missing = [r for r in await case.after(11) if r.begin == ANCHOR], case.told.missing
    assert (first[0].images, max(missing)) == (32, 1)
    assert "frames_missing" in first[0].reasons
    await case.put([lines[4]])
    (second,) = [r for r in await case.after(2) if r.begin == ANCHOR]
    assert (second.images, second.reasons, case.told.causes[-1]) == (36, (), "late marks")


async def test_the_energy_of_two_applications_at_once_is_not_shared_out(case: Case) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 15), *job(1, 14), *job(1, 14, "door", seq=14)])
    results = [result for result in await case.now() if result.begin == ANCHOR]
    assert [(each.app, each.reasons) for each in results] == [("cam", ("overlap",)), ("door", ("overlap",))]


async def test_a_trial_in_a_window_of_work_is_an_overlap(case: Case) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 15), *job(1, 14), trial(MAKER, 2, 6, seq=14)])
    told = {result.kind: result for result in await case.now() if result.begin < ANCHOR + 10 * S}
    assert told["interval"].reasons == ("overlap",)


async def test_computing_again_gives_the_same_windows_whatever_came_first(
    case: Case, store: SqliteStore
) -> None:
    await case.put(job(1, 33))
    await case.put([*MAKER.powers(20, 34), MAKER.health(1, 30, temp_c={"gpu": 50.0})])
    await case.put([*MAKER.powers(0, 19), MAKER.health(2, 12, temp_c={"gpu": 40.0}), *TOLD])
    latest = {result.window: content(result) for result in await case.after(30)}
    fresh = {result.window: content(result) for result in await again(store)}
    assert {name: fresh[name] for name in latest} == latest


async def test_a_restart_computes_only_what_is_not_done(case: Case, store: SqliteStore) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 34), *job(1, 33)])
    assert len(await case.now()) == 3
    await case.desk.remember(1 * S)
    await case.put([*MAKER.powers(35, 54), *job(34, 53, seq=33)], say=False)
    fresh = Case(store)
    fresh.desk = Desk(store, NODE, minute_ns=WINDOW)
    await fresh.desk.resume()
    await fresh.sweep()
    assert sorted((each.begin - ANCHOR) // S for each in await fresh.now()) == [30, 40]
    assert all(each.images == 40 for each in fresh.told.concluded)


async def test_a_node_that_works_on_and_on_takes_no_more_memory(case: Case) -> None:
    await case.put(TOLD)
    seconds = count()
    for _ in range(40):
        ten = [next(seconds) for _ in range(10)]
        frames = [
            received for second in ten for received in (MAKER.power(second), *job(second, second, seq=second))
        ]
        await case.put(frames)
        await case.now()
    assert len(case.told.concluded) == 39
    assert case.desk.waiting == 0
    assert [len(seqs.ranges) for seqs in case.desk.shift.minutes.done().values()] == [1]


async def test_windows_of_work_are_no_candidates_of_a_ranking_and_rest_in_the_store(
    case: Case, store: SqliteStore
) -> None:
    await case.put([*TOLD, *MAKER.powers(0, 14), *job(1, 13)])
    book = Book(store)
    await book.open()
    (written,) = await book.take(await case.now(), "complete", 1)
    assert (book.results, book.changes, written.revision) == ({}, 0, 1)
    assert await book.take([written], "again", 2) == []
    assert len(await store.during("interval", written.end, written.end + 1, NODE)) == 1
