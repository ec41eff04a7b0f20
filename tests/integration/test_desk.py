"""Windows on a real store, on a clock that the tests turn: when they are closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Letter
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import ANCHOR, Case, Maker, S, at, batches, begin, content, end, idle, trial

pytestmark = pytest.mark.anyio

MAKER = Maker()
MANIFEST = MAKER.manifest()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def case(store: SqliteStore) -> Case:
    return Case(store)


async def test_a_complete_window_is_computed_at_once(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    (result,) = await case.now()
    assert result.state == "valid"
    assert result.energy_j == pytest.approx(65.0)
    assert (result.begin, result.end) == (ANCHOR + 2 * S, ANCHOR + at(8.5))
    assert case.told.missing == [0]


async def test_marks_that_come_before_their_power_wait_for_the_frame_that_the_end_names(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 5), trial(MAKER, 2, 8.5)])
    assert await case.after(3) == []
    await case.put(MAKER.powers(6, 7))
    assert await case.after(3) == []
    await case.put([MAKER.power(8)])
    assert [result.state for result in await case.now()] == ["valid"]


async def test_a_window_with_holes_is_written_after_ten_seconds_and_again_when_it_is_complete(
    case: Case,
) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 4), *MAKER.powers(6, 9), trial(MAKER, 2, 8.5)])
    assert await case.after(9.9) == []
    (first,) = await case.after(0.5)
    assert (first.state, case.told.missing) == ("invalid", [1])
    assert {"frames_missing", "gap"} <= set(first.reasons)
    assert await case.after(60) == []
    await case.put([MAKER.power(5)])
    (second,) = await case.now()
    assert (second.state, second.reasons) == ("valid", ())
    assert case.told.causes[-1] == "late frames"


async def test_between_two_revisions_with_holes_ten_seconds_pass_without_news(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 3), *MAKER.powers(7, 9), trial(MAKER, 2, 8.5)])
    await case.after(10.5)
    assert case.told.missing == [3]
    await case.put([MAKER.power(4)])
    assert await case.after(6) == []
    await case.put([MAKER.power(5)])
    assert await case.after(8) == []
    assert [result.state for result in await case.after(4)] == ["invalid"]
    assert case.told.missing == [3, 1]


async def test_declared_lost_frames_close_a_window_as_degraded(case: Case) -> None:
    told = MAKER.said(10, declared_lost=((5, 5, 20),))
    await case.put([MANIFEST, *MAKER.powers(0, 4), *MAKER.powers(6, 29), trial(MAKER, 0.5, 28.5)])
    assert await case.after(2) == []
    await case.put([MAKER.health(0, 30, told)])
    await case.say({MAKER.key("power/main"): IntervalSet.below(30)})
    (result,) = await case.now()
    assert (result.state, case.told.missing) == ("degraded", [0])
    assert "frames_lost" in result.reasons
    assert "frames_missing" not in result.reasons


async def test_a_frame_that_was_declared_lost_and_comes_after_all_revises(case: Case) -> None:
    told = MAKER.said(10, declared_lost=((5, 5, 20),))
    frames = [MANIFEST, *MAKER.powers(0, 4), *MAKER.powers(6, 9), trial(MAKER, 2, 8.5)]
    await case.put([*frames, MAKER.health(0, 10, told)])
    await case.say({MAKER.key("power/main"): IntervalSet.below(10)})
    assert len(await case.after(1)) == 1
    await case.put([MAKER.power(5)])
    await case.sweep()
    (result,) = await case.now()
    assert result.state == "valid"


async def test_a_dead_letter_that_is_replayed_revises_at_the_next_sweep(
    case: Case, store: SqliteStore
) -> None:
    letter = Letter(key="k", topic="t", reason="r", at=0, body=b"", stream=MAKER.key("power/main"), seq=5)
    await store.bury([letter])
    await case.put([MANIFEST, *MAKER.powers(0, 4), *MAKER.powers(6, 9), trial(MAKER, 2, 8.5)])
    await case.say({MAKER.key("power/main"): IntervalSet.below(10)})
    (first,) = await case.after(11)
    assert "frames_missing" in first.reasons
    await case.put([MAKER.power(5)], say=False)
    await store.drop_letters(["k"])
    await case.sweep()
    (second,) = await case.now()
    assert second.state == "valid"


async def test_marks_that_are_replayed_from_quarantine_open_their_trial(
    case: Case, store: SqliteStore
) -> None:
    key = MAKER.key("marks/app")
    await store.bury([Letter(key="k", topic="t", reason="r", at=0, body=b"", stream=key, seq=0)])
    await case.put([MANIFEST, *MAKER.powers(0, 9)])
    await case.sweep()
    assert await case.after(1) == []
    await case.put([trial(MAKER, 2, 8.5)], say=False)
    await store.drop_letters(["k"])
    await case.sweep()
    assert len(await case.now()) == 1


async def test_late_marks_within_a_window_are_waited_for(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), MAKER.marks(0, begin(2)), MAKER.marks(2, end(8.5))])
    assert await case.after(5) == []
    await case.put([MAKER.marks(1, batches(8))])
    (result,) = await case.now()
    assert (result.state, result.images) == ("valid", 8)


async def test_marks_that_never_come_make_the_window_degraded(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), MAKER.marks(0, begin(2)), MAKER.marks(2, end(8.5))])
    (result,) = await case.after(11)
    assert result.state == "degraded"
    assert set(result.reasons) == {"frames_missing", "marks_missing"}
    assert result.images == 8


@pytest.mark.parametrize("late", range(1, 9, 2))
async def test_whatever_came_late_the_last_revision_is_what_the_store_says(case: Case, late: int) -> None:
    frames = [
        MANIFEST,
        *MAKER.powers(0, 9),
        MAKER.marks(0, *idle(0.5, 1.5, group="g")),
        trial(MAKER, 2, 8.5, seq=1),
    ]
    reports = [MAKER.clock(0, MAKER.exchange(1)), MAKER.health(0, 7, temp_c={"cpu": 50.0}, agent_cpu_s=1.0)]
    everything = [*frames, *reports]
    await case.put(each for n, each in enumerate(everything) if n % late)
    await case.after(12)
    await case.put(each for n, each in enumerate(everything) if not n % late)
    await case.after(25)
    assert [content(case.told.last)] == [content(result) for result in await case.again()]
