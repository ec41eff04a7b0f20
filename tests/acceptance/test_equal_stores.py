"""Whatever is put into both stores, what is concluded from it is the same to 1e-9."""

from __future__ import annotations

import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from analyzer.query import energy_of, reanalyze
from e3p.recordings import boot_of, parcels
from e3p.times import parse_time
from edge_node.power import ptdaemon
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received, receive
from telemetry.contract.documents import Result
from telemetry.store.books import read_ledger
from telemetry.store.influx import InfluxStore
from telemetry.store.interface import Letter, Revision, Store
from telemetry.store.sqlite import SqliteStore
from tests.acceptance.test_recorded_runs import RUNS
from tests.analyzing import HZ, Maker, S, batches, begin, end, idle, trial
from tests.influx import influx_store
from tests.servers import Influx

pytestmark = pytest.mark.anyio

NAN = math.nan
FEW = sorted(RUNS)[:2]
NAMES = [pytest.param(name, marks=() if name in FEW else pytest.mark.long) for name in sorted(RUNS)]
STATES = {"valid", "degraded", "invalid"}
NEXT_YEAR = time.time_ns() + 366 * 86_400 * S


class Both(NamedTuple):
    """The two stores."""

    file: SqliteStore
    server: InfluxStore

    async def write(self, frames: Sequence[Received]) -> None:
        assert list(await self.server.write(frames)) == list(await self.file.write(frames))


@pytest.fixture
async def both(influx: Influx, bucket: str, tmp_path: Path) -> AsyncIterator[Both]:
    stores = Both(SqliteStore(tmp_path / "e3p.db"), influx_store(influx, bucket))
    for store in stores:
        await store.open()
    yield stores
    for store in stores:
        await store.close()


def near(one: Any, other: Any) -> bool:
    """Whether two documents say the same, numbers to 1e-9."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (
            math.isnan(one) and math.isnan(other)
        )
    return bool(one == other)


def said(results: Sequence[Result]) -> Any:
    return msgspec.to_builtins(sorted(results, key=lambda result: (result.window, result.stream)))


def as_list(one: Any) -> list[Any]:
    return one if isinstance(one, list) else [one]


async def energies(store: Store, node: str, windows: Sequence[tuple[int, int]]) -> Any:
    return [said(await energy_of(store, node, *window)) for window in windows]


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_run_has_the_same_energy_in_both(name: str, both: Both) -> None:
    run = RUNS[name]
    recording, boot = ptdaemon.read(run.file), boot_of(run.file, "orin")
    sent = [receive(each.topic, each.payload) for each in parcels(recording, "orin", boot, "jetson")]
    await both.write([each for each in sent if isinstance(each, Received)])
    window = (parse_time(run.begin), parse_time(run.end))
    third = (window[1] - window[0]) // 3
    windows = [window, (window[0] + third, window[0] + 2 * third), (window[0] - third, window[0] + 1)]
    one, other = [await energies(store, "orin", windows) for store in both]
    assert near(one, other)
    assert await read_ledger(both.server) == await read_ledger(both.file)


def nasty(anchor: int, node: str) -> list[Received]:
    """Two boots with a trial each: no readings, gaps, equal times, a wide column, odd channels, idleness."""
    rng = random.Random(node)
    maker = Maker(anchor=anchor, node=node)
    frames = [maker.manifest(), *maker.powers(0, 30)]
    del frames[9:11]  # missing for good
    noisy = [10.0 + rng.gauss(0, 1) for _ in range(HZ)]
    noisy[3] = noisy[4] = NAN
    noisy[17] = math.inf
    frames[5] = maker.power(4, w=pack("f", noisy))
    frames[6] = maker.power(5, dt=b"", w=b"", missed=HZ)
    frames[7] = maker.power(
        6, dt=pack_dt([at * S // HZ + (2**33 if at == HZ - 1 else 0) for at in range(HZ)])
    )
    frames.append(maker.power(40, t0=30 * S))  # the time of another one
    frames.append(maker.power(41, ch=("total", "time", "a b"), w=pack("f", [1.0, NAN, -3.0] * HZ)))
    rest_begin, rest_end = idle(20.0, 24.0, group="g")
    frames.append(maker.marks(0, begin(2.5), batches(8.0), rest_begin, rest_end))
    frames.append(maker.marks(1, end(12.25)))
    frames.append(maker.health(0, 45, maker.said(42, ticks=42 * HZ, declared_lost=((32, 35, 80),))))
    later = Maker("b2", anchor=anchor + 60 * S, node=node, os_boot="kernel-2")
    frames += [later.manifest(), *later.powers(0, 12), trial(later, 3.1, 9.9, f"{node}-2")]
    frames.append(later.clock(0, *(later.exchange(at, 0.003) for at in range(1, 9))))
    rng.shuffle(frames)
    return frames


ANCHORS = {"y1970": 5 * S, "y2022": 1_645_000_000 * S, "now": time.time_ns() - 3_600 * S, "next": NEXT_YEAR}


async def test_a_nasty_set_gives_the_same_in_both(both: Both) -> None:
    for node, anchor in ANCHORS.items():
        frames = nasty(anchor, node)
        for at in range(0, len(frames), 17):
            await both.write(frames[at : at + 17])
        await both.write(frames[:20])
    windows = {
        node: [
            (anchor + a * S, anchor + b * S)
            for a, b in ((0, 5), (3, 14), (8, 9), (29, 43), (55, 70), (61, 68))
        ]
        for node, anchor in ANCHORS.items()
    }
    one, other = [
        [await energies(store, node, each) for node, each in windows.items()]
        + [said([change.result for change in await reanalyze(store, -(2**63), 1)])]
        for store in both
    ]
    assert {result["state"] for results in one for each in results for result in as_list(each)} >= STATES
    assert near(one, other)
    assert await read_ledger(both.server) == await read_ledger(both.file)
    assert await both.server.accounts() == await both.file.accounts()


async def test_revisions_with_fewer_fields_say_the_same_in_both(both: Both) -> None:
    docs = [b'{"energy_j":1.5,"mean_w":3,"end":7}', b'{"mean_w":3.5}', b'{"energy_j":null}']
    for store in both:
        for number, doc in enumerate(docs):
            await store.put([Revision(kind="result", id="w", revision=number, node="n", doc=doc)])
    for number in ("latest", "history"):
        one, other = [
            await (store.latest("result") if number == "latest" else store.history("result", "w"))
            for store in both
        ]
        assert one == other


async def test_letters_and_what_they_stand_for_are_the_same_in_both(both: Both) -> None:
    maker = Maker(node="n")
    letters = [
        Letter(key=f"k{at}", topic="t", reason="r", at=at, stream=maker.key("power/main"), seq=at, body=b"x")
        for at in range(6)
    ]
    for store in both:
        await store.bury(letters)
        await store.write(maker.powers(0, 2))
        await store.drop_letters(["k4"])
    assert await both.server.letters() == await both.file.letters()
    assert await read_ledger(both.server) == await read_ledger(both.file)
