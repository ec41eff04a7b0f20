"""What a store has concluded, as Parquet files in a folder; the power of windows where it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio
import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.exclusions import find_trial, read_exclusions
from analyzer.revisions import result_of
from analyzer.span import on_own_clock
from e3p.parquet import write_structs, write_table
from telemetry.contract.columns import unpack_dt
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ManifestFrame, PowerFrame
from telemetry.contract.ranking import Ranking, RankingGroup, RankingRow
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from telemetry.store.interface import Account, Store


class Written(NamedTuple):
    """One file and its rows."""

    file: Path
    rows: int


async def export(store: Store, folder: Path, windows: Sequence[str]) -> list[Written]:
    """Writes results, rankings, manifests, and the power of these windows (their ids, or how they begin).

    Raises:
        UserError: a store without results, an unknown window, a folder that cannot be written.
    """
    results = [result_of(revision) for revision in await store.latest("result")]
    if not results:
        raise UserError(f"{store.url} has no results yet: run `e3p trial` or `e3p import` first")
    wanted = [
        find_trial(each, {result.window: None for result in results}, what="window") for each in windows
    ]
    try:
        await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--parquet {folder}: {error.strerror}: name a folder that can be written") from None
    excluded = await read_exclusions(store)
    results.sort(key=lambda result: (result.node, result.begin, result.window, result.source))
    reasons = [excluded.get(result.window) for result in results]
    write_structs(folder / "results.parquet", Result, results, excluded=(pa.string(), reasons))
    written = [Written(folder / "results.parquet", len(results))]
    written.append(_write_rankings(folder / "rankings.parquet", await store.latest("ranking")))
    accounts = await store.accounts()
    written.append(await _write_manifests(folder / "manifests.parquet", store, accounts))
    for name in wanted:
        own = [result for result in results if result.window == name and not result.meter]
        written.append(await _write_power(folder, store, accounts, own))
    return written


def _write_rankings(file: Path, revisions: Sequence[Revision]) -> Written:
    """One row for each row of each ranking, with its table's group and score."""
    rankings = [(each.revision, msgspec.json.decode(each.doc, type=Ranking)) for each in revisions]
    rows = [(number, ranking, row) for number, ranking in rankings for row in ranking.rows]
    groups = {
        name: (pa.string(), [getattr(ranking.group, name) for _, ranking, _ in rows])
        for name in RankingGroup.__struct_fields__
    }
    write_structs(
        file,
        RankingRow,
        [row for _, _, row in rows],
        **groups,
        a=(pa.float64(), [ranking.a for _, ranking, _ in rows]),
        b=(pa.float64(), [ranking.b for _, ranking, _ in rows]),
        unit=(pa.string(), [ranking.unit for _, ranking, _ in rows]),
        pareto=(pa.bool_(), [row.rank in ranking.pareto for _, ranking, row in rows]),
        p_better=(pa.list_(pa.float64()), [_p_better(ranking, row) for _, ranking, row in rows]),
        revision=(pa.int64(), [number for number, _, _ in rows]),
    )
    return Written(file, len(rows))


def _p_better(ranking: Ranking, row: RankingRow) -> list[float | None] | None:
    return list(ranking.p_better[row.rank - 1]) if row.rank <= len(ranking.p_better) else None


async def _write_manifests(file: Path, store: Store, accounts: Sequence[Account]) -> Written:
    """Each manifest once, whatever boots sent it: the first that did stands with it."""
    found: dict[str, tuple[str, ManifestFrame]] = {}
    for account in accounts:
        if account.key.stream.startswith("manifest/"):
            for _, frame in await store.frames(account.key, account.stored):
                if isinstance(frame, ManifestFrame):
                    found.setdefault(frame.hash, (account.key.node, frame))
    rows = [found[key] for key in sorted(found)]
    nodes = (pa.string(), [node for node, _ in rows])
    write_structs(file, ManifestFrame, [frame for _, frame in rows], node=nodes)
    return Written(file, len(rows))


async def _write_power(
    folder: Path, store: Store, accounts: Sequence[Account], results: Sequence[Result]
) -> Written:
    """The readings inside a window, one row for each channel: node time ns, watts as they came."""
    tables = []
    for result in results:
        for account in accounts:
            if account.key.node == result.node and account.key.stream == f"power/{result.stream}":
                tables += await _readings(store, account, result)
    window = results[0].window if results else "window"
    file = folder / f"power-{re.sub(r'[^A-Za-z0-9._-]', '_', window)}.parquet"
    empty = _table("", "", np.empty(0, np.int64), np.empty(0, np.float32))
    table = pa.concat_tables([empty, *tables])
    write_table(file, table)
    return Written(file, table.num_rows)


async def _readings(store: Store, account: Account, result: Result) -> list[pa.Table]:
    if account.anchor is None:
        return []
    span = on_own_clock(account.key.boot, account.anchor, result.begin, result.end)
    tables = []
    for frame in await store.covering(account.key, span.begin, span.end):
        if not isinstance(frame, PowerFrame) or not frame.samples:
            continue
        at = np.array(unpack_dt(frame.dt, frame.samples), np.int64) + frame.t0
        watts = np.frombuffer(frame.w, "<f4").reshape(frame.samples, -1)
        inside = (at >= span.begin) & (at <= span.end)
        for place, channel in enumerate(frame.ch):
            times = at[inside] + span.shift
            tables.append(_table(result.stream, channel, times, watts[inside, place]))
    return tables


def _table(stream: str, channel: str, times: NDArray[np.int64], watts: NDArray[np.float32]) -> pa.Table:
    count = len(times)
    return pa.table(
        {
            "t_ns": pa.array(times, pa.int64()),
            "stream": pa.array([stream] * count, pa.string()),
            "channel": pa.array([channel] * count, pa.string()),
            "w": pa.array(watts, pa.float32()),
        }
    )
