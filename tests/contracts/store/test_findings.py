"""The fleet's office on every store: what it found and learned outlives it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzer.fleet.conduct import Limits
from analyzer.fleet.office import Office
from analyzer.revisions import as_revision
from telemetry.contract.documents import Result
from telemetry.contract.events import EVENT, Finding
from telemetry.store.interface import Store
from tests.unit.fleet.windows import MINUTE, energies, window

pytestmark = pytest.mark.anyio

WARM = 60


class Day:
    """An office at work on a store, told of windows as the analyzer stores them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.office = Office(store, Limits(120.0, 64.0), 5.0)
        self.told: list[Finding] = []
        self._now_s = 0.0

    async def begin(self, at: int = 0) -> None:
        await self.office.open(at * MINUTE)

    async def work(self, windows: list[Result]) -> None:
        await self.store.put([as_revision(each) for each in windows])
        for each in windows:
            self.office.conclude([each])
            self._now_s += 60.0
            self.told += await self.office.step(self._now_s, each.end)

    async def catch_up(self, windows: list[Result]) -> None:
        """What a node kept while it was away: newest first, every tenth the oldest, some each second."""
        left = list(windows)
        while left:
            some = [left.pop() for _ in range(min(9, len(left)))] + ([left.pop(0)] if left else [])
            await self.store.put([as_revision(each) for each in some])
            self.office.conclude(some)
            self._now_s += 1.0
            self.told += await self.office.step(self._now_s, windows[-1].end)
        self._now_s += 180.0
        self.told += await self.office.step(self._now_s, windows[-1].end)


def minutes(first: int, count: int, factor: float = 1.0, **fields: object) -> list[Result]:
    values = energies(first, count)
    return [window(at, factor * next(values), revision=1, **fields) for at in range(first, first + count)]


async def test_a_regression_is_stored_with_what_changed_before_it(store: Store) -> None:
    day = Day(store)
    await day.begin()
    await day.work(minutes(1, WARM))
    await day.work(minutes(WARM + 1, 20, 1.12, software="1.5", manifest_hash="h2"))
    (finding,) = day.told
    assert (finding.kind, finding.node, finding.model, finding.severity) == (
        "regression",
        "n1",
        "vit",
        "alarm",
    )
    assert finding.cause == "software 1.4 → 1.5 (manifest h1 → h2)"
    assert finding.begin == WARM * MINUTE
    (held,) = await store.latest(EVENT, "n1")
    assert held.id == finding.id


async def test_a_backlog_leads_to_the_same_findings_as_live_windows(store: Store) -> None:
    live, late = Day(store), Day(store)
    await live.work(eventful("live"))
    await late.catch_up(eventful("late"))
    assert [_said(each) for each in late.told] == [_said(each) for each in live.told]
    assert [each.kind for each in live.told if each.lasts] == ["regression", "regression", "frozen"]
    assert late.office.late == 0


async def test_an_office_that_starts_anew_neither_tells_again_nor_forgets_what_is_normal(
    store: Store,
) -> None:
    day = Day(store)
    await day.begin()
    await day.work(minutes(1, WARM))
    await day.work(minutes(WARM + 1, 20, 1.12))
    again = Day(store)
    await again.begin(WARM + 20)
    await again.work(minutes(WARM + 21, 10, 1.12))
    assert again.told == []
    await again.work(minutes(WARM + 31, 20))
    (ended,) = again.told
    assert (ended.id, ended.revision) == (day.told[0].id, 2)
    assert [each.revision for each in await store.history(EVENT, ended.id)] == [1, 2]


async def test_a_warm_up_goes_on_over_a_restart(store: Store) -> None:
    day = Day(store)
    await day.begin()
    await day.work(minutes(1, 20))
    again = Day(store)
    await again.begin(20)
    await again.work(minutes(21, 15))
    await again.work(minutes(36, 15, 1.12))
    assert [finding.kind for finding in again.told] == ["regression"]


async def test_a_frozen_sensor_is_found_and_ends(store: Store) -> None:
    day = Day(store)
    await day.begin()
    await day.work(minutes(1, 3, state="degraded", flags=("frozen",)))
    await day.work(minutes(4, 3))
    assert [(each.kind, each.subject, each.until) for each in day.told] == [
        ("frozen", "main", None),
        ("frozen", "main", 3 * MINUTE),
    ]


async def test_healthy_work_leaves_no_finding(store: Store) -> None:
    day = Day(store)
    await day.begin()
    await day.work(minutes(1, 150))
    assert day.told == []
    assert await store.latest(EVENT) == []


def eventful(node: str) -> list[Result]:
    """Windows with two regressions, of which one ends, and a sensor that freezes."""
    return [
        *minutes(1, WARM, node=node),
        *minutes(WARM + 1, 40, 1.12, node=node, software="1.5", manifest_hash="h2"),
        *minutes(WARM + 41, 40, node=node),
        *minutes(WARM + 81, 20, 1.12, node=node),
        *minutes(WARM + 101, 3, node=node, state="degraded", flags=("frozen",)),
    ]


def _said(finding: Finding) -> Finding:
    """All of it but of whom it is, and when it was told."""
    return replace(finding, at=0, node=None, id="", words=finding.words.replace(finding.node or "", ""))
