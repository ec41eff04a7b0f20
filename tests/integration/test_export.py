"""What is exported is what the store has, number for number, whichever store that is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pyarrow import parquet

from analyzer.book import Book
from analyzer.ranking import by_group, rank
from analyzer.revisions import result_of
from analyzer.standings import first_streams, group_id
from e3p.exporting import export
from e3p.parquet import read_structs
from telemetry.contract.documents import Latency, Result
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.ranking import Ranking, RankingRow
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.commands import e3p
from tests.influx import influx_store
from tests.reporting import HZ, LENGTH_S, fill
from tests.servers import Influx
from tests.unit.ranking.made import trial

pytestmark = pytest.mark.anyio


async def filled(store: Store) -> None:
    """Results with their frames, and the rankings of them."""
    await fill(store)
    book = Book(store)
    await book.open()
    for group, trials in by_group(book.results.values()).items():
        await book.rank(group_id(group), rank(first_streams(trials), excluded=book.excluded))


@pytest.fixture(params=["sqlite", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with something of everything, of either kind."""
    made: Store
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "e3p.db")
    else:
        influx: Influx = request.getfixturevalue("influx")
        made = influx_store(influx, request.getfixturevalue("bucket"))
    await made.open()
    await filled(made)
    yield made
    await made.close()


async def test_results_come_back_number_for_number(store: Store, tmp_path: Path) -> None:
    await export(store, tmp_path, ())
    stored = {(r.window, r.source): r for r in map(result_of, await store.latest("result"))}
    back = read_structs(tmp_path / "results.parquet", Result)
    assert len(back) == len(stored)
    assert all(stored[each.window, each.source] == each for each in back)
    assert any(each.budget and each.energy_j for each in back)


async def test_who_was_excluded_stands_beside_with_the_reason(store: Store, tmp_path: Path) -> None:
    await export(store, tmp_path, ())
    rows = parquet.read_table(tmp_path / "results.parquet", columns=["window", "excluded"]).to_pylist()
    assert {row["window"]: row["excluded"] for row in rows if row["excluded"]} == {"t2": "the fan was off"}


async def test_rankings_come_back_number_for_number(store: Store, tmp_path: Path) -> None:
    await export(store, tmp_path, ())
    rankings = [msgspec.json.decode(each.doc, type=Ranking) for each in await store.latest("ranking")]
    expected = [row for ranking in rankings for row in ranking.rows]
    assert expected
    assert read_structs(tmp_path / "rankings.parquet", RankingRow) == expected
    first = parquet.read_table(tmp_path / "rankings.parquet").to_pylist()[0]
    assert (first["device"], first["unit"], first["a"]) == ("jetson-tx2", "J", 5.0)
    assert first["p_better"] == list(rankings[0].p_better[0])


async def test_a_manifest_stands_there_once(store: Store, tmp_path: Path) -> None:
    await export(store, tmp_path, ())
    [manifest] = read_structs(tmp_path / "manifests.parquet", ManifestFrame)
    assert manifest.device.kind == "jetson-tx2"
    assert manifest.streams[0].channels == ("total", "gpu")


async def test_the_power_of_a_window_is_every_reading_inside(store: Store, tmp_path: Path) -> None:
    *_, written = await export(store, tmp_path, ["t0"])
    table = parquet.read_table(written.file).to_pydict()
    of_total = np.array(table["channel"]) == "total"
    assert set(table["channel"]) == {"total", "gpu"}
    [result] = [r for r in map(result_of, await store.latest("result")) if r.window == "t0"]
    times, watts = np.array(table["t_ns"])[of_total], np.array(table["w"])[of_total]
    assert result.begin <= times.min() <= times.max() <= result.end
    assert LENGTH_S * HZ <= len(times) <= LENGTH_S * HZ + 1
    assert result.mean_w == pytest.approx(watts.mean(), rel=0.01)


async def test_an_unknown_window_is_refused_with_those_that_are_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no window 'nothing'"):
        await export(store, tmp_path, ["nothing"])


def test_everything_a_result_can_say_has_a_column(tmp_path: Path) -> None:
    from e3p.parquet import write_structs

    rich = trial(
        "m",
        latency_ms=Latency(p50=1.0, p95=2.0, p99=3.0),
        temp_c={"cpu": 51.5},
        reasons=("gap", "short"),
        throttle=(),
        begin=1_700_000_000_123_456_789,
    )
    write_structs(tmp_path / "one.parquet", Result, [rich])
    assert read_structs(tmp_path / "one.parquet", Result) == [rich]


def test_an_empty_store_is_one_clear_line(tmp_path: Path) -> None:
    said = e3p("export", "--parquet", tmp_path / "out", "--store", f"sqlite:///{tmp_path}/none.db")
    assert said.status != 0
    assert len(said.err.strip().splitlines()) == 1
