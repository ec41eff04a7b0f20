"""Windows on a real store, on a clock that the tests turn: what else than power they rest on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetry.contract import marks
from telemetry.contract.intervals import IntervalSet
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


async def test_a_manifest_that_comes_last_is_waited_for(case: Case) -> None:
    await case.put([*MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    assert await case.after(2) == []
    await case.put([MANIFEST])
    (result,) = await case.now()
    assert (result.state, result.device) == ("valid", "jetson-tx2")


async def test_a_window_without_a_manifest_is_degraded_until_one_comes(case: Case) -> None:
    await case.put([*MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    (first,) = await case.after(11)
    assert (first.state, first.reasons, first.device) == ("degraded", ("no_manifest",), None)
    await case.put([MANIFEST])
    (second,) = await case.now()
    assert (second.state, second.device) == ("valid", "jetson-tx2")


async def test_the_manifest_in_force_at_the_begin_counts(case: Case) -> None:
    later, after = MAKER.manifest(1.5, seq=1), MAKER.manifest(5, seq=2)
    await case.put([MANIFEST, later, after, *MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    (result,) = await case.now()
    assert result.manifest_hash == "manifest-b1-1"


async def test_a_late_manifest_that_was_in_force_revises(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    assert (await case.now())[0].manifest_hash == "manifest-b1-0"
    await case.put([MAKER.manifest(1.5, seq=1)])
    assert [result.manifest_hash for result in await case.now()] == ["manifest-b1-1"]


async def test_an_overlap_counts_for_both_trials_whichever_came_first(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 19), trial(MAKER, 2, 8.5)])
    assert (await case.now())[0].state == "valid"
    await case.put([trial(MAKER, 7, 15.5, "t2", seq=1)])
    results = {result.trial: result for result in await case.now()}
    assert {name: result.reasons for name, result in results.items()} == {
        "t1": ("overlap",),
        "t2": ("overlap",),
    }


async def test_a_trial_still_open_overlaps_until_its_end_is_known(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 19), MAKER.marks(0, begin(1, "t0"))])
    await case.put([trial(MAKER, 4, 8.5, seq=2)])
    await case.say({MAKER.key("marks/app"): IntervalSet.below(3)})
    assert [result.reasons for result in await case.now()] == [("overlap",)]
    await case.put([MAKER.marks(1, batches(2, "t0"), end(3, "t0"))])
    results = {result.trial: result for result in await case.now()}
    assert {name: result.reasons for name, result in results.items()} == {"t0": (), "t1": ()}


async def test_a_trial_that_another_kernels_boot_left_open_overlaps_nothing_now(case: Case) -> None:
    old = Maker("b0", anchor=ANCHOR - 900 * S, os_boot="kernel-0")
    await case.put([old.manifest(), old.marks(0, begin(1, "t0")), MANIFEST, *MAKER.powers(0, 9)])
    await case.put([trial(MAKER, 2, 8.5)])
    assert [result.reasons for result in await case.now()] == [()]


async def test_a_trial_that_spans_two_boots_waits_for_all_that_the_first_made(case: Case) -> None:
    """The first boot's last second is missing, so a gap is left: 8 s by b1, 6 s by b2, on one clock."""
    later = Maker("b2", anchor=ANCHOR + 3600 * S)
    await case.put([MANIFEST, *MAKER.powers(0, 8), later.manifest(9.5), MAKER.marks(0, begin(2))])
    await case.put([*later.powers(10, 16), later.marks(0, batches(15), end(15.5))])
    assert await case.after(5) == []
    said = MAKER.said(9, final=True), MAKER.said(1, "marks/app", final=True)
    first_ten = later.said(17, declared_lost=((0, 9, 0),))
    await case.put([later.health(0, 16, *said, first_ten)])
    (result,) = await case.after(1)
    assert (result.begin, result.end) == (ANCHOR + 2 * S, ANCHOR + at(15.5))
    assert result.energy_j == pytest.approx(135.0)
    assert "gap" in result.reasons
    assert case.told.missing == [0]


async def test_a_report_that_comes_long_after_a_boot_closes_the_ledger_of_its_trials(case: Case) -> None:
    """The end mark names no last frame, and the only word on its boot is a later boot's, an hour on."""
    later = Maker("b2", anchor=ANCHOR + 3600 * S, os_boot="kernel-2")
    told = MAKER.marks(0, begin(2), batches(8.5), end(8.5, power={}))
    await case.put([MANIFEST, *MAKER.powers(0, 9), told])
    (first,) = await case.after(60)
    assert (first.state, first.reasons) == ("degraded", ("no_ledger",))
    await case.put([later.manifest(), later.health(0, 10, MAKER.said(10, final=True))])
    (second,) = await case.after(1)
    assert (second.state, second.reasons) == ("valid", ())
    assert second.energy_j == first.energy_j


async def test_a_trial_that_a_new_kernels_boot_closes_is_aborted_and_ends_by_that_boots_clock(
    case: Case,
) -> None:
    later = Maker("b2", anchor=ANCHOR + 60 * S, os_boot="kernel-2")
    closed = later.marks(0, end(3, status="aborted", through=3))
    said = MAKER.said(9, final=True), MAKER.said(1, "marks/app", final=True)
    await case.put([MANIFEST, *MAKER.powers(0, 8), MAKER.marks(0, begin(5))])
    await case.put([later.manifest(), *later.powers(0, 4), closed, later.health(0, 4, *said)])
    (result,) = await case.after(1)
    assert (result.state, case.told.missing) == ("invalid", [0])
    assert "aborted" in result.reasons
    assert (result.begin, result.end) == (ANCHOR + 5 * S, ANCHOR + 63 * S)


async def test_an_idle_window_that_comes_late_revises(case: Case) -> None:
    await case.put(
        [MANIFEST, *MAKER.powers(0, 9, watts=4.0), *MAKER.powers(10, 19), trial(MAKER, 11, 18.5, seq=1)]
    )
    await case.say({MAKER.key("marks/app"): IntervalSet.below(1)})
    (first,) = await case.now()
    assert first.idle_w is None
    await case.put([MAKER.marks(0, *idle(1, 9, group="g"))])
    (second,) = await case.now()
    assert second.idle_w == pytest.approx(4.0)
    assert second.net_j == pytest.approx(6.0 * 7.5)


async def test_frames_of_an_idle_window_that_come_late_revise(case: Case) -> None:
    marked = MAKER.marks(0, *idle(1, 9, group="g")), trial(MAKER, 11, 18.5, seq=1)
    await case.put([MANIFEST, *MAKER.powers(6, 9, watts=4.0), *MAKER.powers(10, 19), *marked])
    assert len(await case.now()) == 1
    await case.put(MAKER.powers(0, 5, watts=4.0))
    (second,) = await case.after(2)
    assert second.idle_w == pytest.approx(4.0)
    assert [content(second)] == [content(result) for result in await case.again()]


async def test_a_report_that_comes_late_revises(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    assert (await case.now())[0].temp_c is None
    await case.put([MAKER.health(0, 8, temp_c={"cpu": 61.0}, throttle=("cpu",))])
    (second,) = await case.now()
    assert (second.temp_c, second.throttle) == ({"cpu": 61.0}, ("cpu",))


async def test_what_the_clock_says_after_the_begin_changes_nothing(case: Case) -> None:
    await case.put([MANIFEST, MAKER.clock(0, MAKER.exchange(1)), *MAKER.powers(0, 9), trial(MAKER, 2, 8.5)])
    (first,) = await case.now()
    assert first.utc_offset_ns is not None
    await case.put(
        [MAKER.clock(1, MAKER.exchange(1.5), MAKER.exchange(9)), MAKER.clock(2, MAKER.exchange(60))]
    )
    assert [content(result) for result in await case.again()] == [content(first)]


async def test_nothing_is_known_of_power_and_the_trial_is_told_all_the_same(case: Case) -> None:
    await case.put([MAKER.marks(0, begin(2), batches(8), end(8.5, power={}))])
    (result,) = await case.after(11)
    assert (result.state, result.energy_j, result.coverage) == ("invalid", None, 0.0)
    assert {"no_samples", "no_manifest", "no_ledger", "frames_missing"} <= set(result.reasons)


async def test_an_end_that_names_no_frame_waits_for_the_reading_past_it(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 7), MAKER.marks(0, begin(2), batches(8), end(8.5, power={}))])
    assert await case.after(2) == []
    await case.put([MAKER.power(8)])
    (result,) = await case.after(2)
    assert "frames_missing" not in result.reasons
    assert result.energy_j == pytest.approx(65.0)


async def test_an_end_may_name_its_streams_without_their_kind(case: Case) -> None:
    await case.put(
        [MANIFEST, *MAKER.powers(0, 8), MAKER.marks(0, begin(2), batches(8), end(8.5, power={"main": 8}))]
    )
    assert [result.state for result in await case.now()] == ["valid"]


async def test_an_end_without_a_begin_is_refused_once_no_mark_is_outstanding(case: Case) -> None:
    await case.put([MAKER.marks(1, end(3))])
    await case.after(30)
    assert case.told.refused == []
    await case.put([MAKER.marks(0, *idle(1, 2, group="g"))])
    await case.after(15)
    assert [(event.event, event.seq) for event in case.told.refused] == [("trial_end", 1)]


async def test_a_begin_that_comes_after_its_end_is_no_fault(case: Case) -> None:
    await case.put([MANIFEST, *MAKER.powers(0, 9), MAKER.marks(1, batches(8), end(8.5))])
    await case.after(5)
    await case.put([MAKER.marks(0, begin(2))])
    assert [result.state for result in await case.after(20)] == ["valid"]
    assert case.told.refused == []


async def test_a_second_begin_and_a_second_end_are_refused_and_the_first_count(case: Case) -> None:
    twice = MAKER.marks(0, begin(2), begin(3), batches(8), end(8.5), end(9))
    await case.put([MANIFEST, *MAKER.powers(0, 9), twice])
    (result,) = await case.after(1)
    assert (result.begin, result.end) == (ANCHOR + 2 * S, ANCHOR + at(8.5))
    assert [event.event for event in case.told.refused] == ["trial_begin", "trial_end"]


async def test_a_node_that_only_works_has_no_trials(case: Case) -> None:
    work = marks.Work(t=at(3), app="shop", model="vit", begin=b"", end=b"", images=b"")
    await case.put([MANIFEST, *MAKER.powers(0, 9), MAKER.marks(0, work)])
    assert await case.after(12) == []
    assert case.told.refused == []
