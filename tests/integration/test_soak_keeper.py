from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from analyzer.revisions import as_revision
from analyzer.soak.keeper import SOON_S, Keeper
from studies.soak.device import SimulatedDevice
from studies.soak.line import received
from studies.soak.truth import MINUTE_NS
from studies.soak.windows import BEGIN
from telemetry.contract.encode import encode
from telemetry.contract.soak import Soak
from telemetry.store.interface import Store
from telemetry.store.open import opened_store

pytestmark = pytest.mark.anyio
HOURS = 1.0


class _Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


async def _filled(store: Store, keeper: Keeper, minutes: int) -> None:
    device = SimulatedDevice("cam", 1, HOURS, ())
    heard = keeper.beside(lambda key, frame, now_s: None)
    for at in range(minutes):
        came = [received("cam", name, encode(frame)) for name, frame in device.minute(at, only_reports=True)]
        await store.write(came)
        for each in came:
            heard(each.key, each.frame, 0.0)
        result = device.result(at)
        assert result is not None
        await store.put([as_revision(result)])


async def _verdicts(store: Store) -> list[Soak]:
    return [msgspec.json.decode(each.doc, type=Soak) for each in await store.history("soak", "cam/study-1")]


async def test_a_running_soak_has_a_verdict_that_grows(tmp_path: Path) -> None:
    clock = _Clock()
    async with opened_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keeper = Keeper(store, clock)
        await _filled(store, keeper, 40)
        await keeper.step(BEGIN + 20 * MINUTE_NS)
        clock.s += 61
        await keeper.step(BEGIN + 40 * MINUTE_NS)
        first, second = await _verdicts(store)
    assert (first.windows.expected, second.windows.expected) == (18, 38)
    assert not second.is_over


async def test_a_soak_is_not_looked_at_again_at_once(tmp_path: Path) -> None:
    clock = _Clock()
    async with opened_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keeper = Keeper(store, clock)
        await _filled(store, keeper, 20)
        await keeper.step(BEGIN + 10 * MINUTE_NS)
        clock.s += 30
        await keeper.step(BEGIN + 20 * MINUTE_NS)
        assert len(await _verdicts(store)) == 1


async def test_a_soak_that_begins_is_looked_at_soon(tmp_path: Path) -> None:
    clock = _Clock()
    async with opened_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keeper = Keeper(store, clock)
        await keeper.step(BEGIN)
        await _filled(store, keeper, 1)
        clock.s += SOON_S
        await keeper.step(BEGIN + MINUTE_NS)
        assert len(await _verdicts(store)) == 1


async def test_a_soak_that_ended_long_ago_is_left_alone(tmp_path: Path) -> None:
    async with opened_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keeper = Keeper(store, _Clock())
        await _filled(store, keeper, 20)
        await keeper.step(BEGIN + 600 * MINUTE_NS)
        assert await _verdicts(store) == []
