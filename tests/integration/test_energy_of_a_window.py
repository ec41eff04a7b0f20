"""The energy of any window of what is stored, over boots and between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from analyzer.query import energy_of
from telemetry.contract.errors import UserError
from telemetry.store.sqlite import SqliteStore
from tests.analyzing import ANCHOR, NODE, Maker, S

pytestmark = pytest.mark.anyio

MAKER = Maker()
FRAMES = [MAKER.manifest(), *MAKER.powers(0, 9)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_any_window_of_a_node_has_its_energy(store: SqliteStore) -> None:
    await store.write(FRAMES)
    (result,) = await energy_of(store, NODE, ANCHOR + 2 * S, ANCHOR + 5 * S)
    assert result.energy_j == pytest.approx(30.0)
    assert result.reasons == ("no_ledger",)


async def test_a_window_over_two_boots_takes_both(store: SqliteStore) -> None:
    later = Maker("a0", anchor=ANCHOR + 10 * S, watts=20.0)
    await store.write([*FRAMES, MAKER.health(0, 10, MAKER.said(10, final=True))])
    await store.write([later.manifest(), *later.powers(0, 9), later.health(0, 10, later.said(10))])
    (result,) = await energy_of(store, NODE, ANCHOR + 5 * S, ANCHOR + 15 * S)
    assert result.energy_j == pytest.approx(50 + 100, rel=0.01)
    assert (result.state, result.manifest_hash) == ("valid", "manifest-b1-0")


async def test_two_boots_at_one_time_are_never_mixed(store: SqliteStore) -> None:
    """Two devices under one name: 10 W for ten seconds, 90 W for six of them."""
    twin = Maker("a0", watts=90.0)
    await store.write([*FRAMES, MAKER.health(0, 10, MAKER.said(10, final=True))])
    await store.write([twin.manifest(), *twin.powers(0, 5), twin.health(0, 10, twin.said(6, final=True))])
    (result,) = await energy_of(store, NODE, ANCHOR + 1 * S, ANCHOR + 9 * S)
    assert result.energy_j == pytest.approx(80.0)
    assert (result.state, result.reasons) == ("degraded", ("overlap",))


async def test_a_window_beyond_all_readings_has_no_energy(store: SqliteStore) -> None:
    await store.write([*FRAMES, MAKER.health(0, 10, MAKER.said(10, final=True))])
    for begin_s in (-1000, 1000):
        (result,) = await energy_of(store, NODE, ANCHOR + begin_s * S, ANCHOR + (begin_s + 10) * S)
        assert (result.state, result.energy_j, result.mean_w) == ("invalid", None, None)
        assert result.reasons == ("no_samples",)


@pytest.mark.parametrize(
    ("node", "begin_s", "end_s", "words"),
    [("nobody", 1, 2, "known nodes are tx2"), (NODE, 2, 2, "swap --begin and --end")],
)
async def test_an_unknown_node_and_a_window_that_does_not_end_are_the_askers_fault(
    store: SqliteStore, node: str, begin_s: int, end_s: int, words: str
) -> None:
    await store.write(FRAMES)
    with pytest.raises(UserError, match=words):
        await energy_of(store, node, begin_s, end_s)
