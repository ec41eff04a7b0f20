"""The ledger of a store: what no frame tells of, a trial's end or a report does."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.contract.encode import encode
from telemetry.contract.frames import MarksFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.marks import TrialEnd
from telemetry.store.books import read_ledger
from telemetry.store.sqlite import SqliteStore
from tests.collecting import ANCHOR, BOOT, KEY, NODE, health, running, stream_health

pytestmark = pytest.mark.anyio
MARKS = KEY._replace(stream="marks/main")


async def test_a_stream_that_only_a_trial_s_end_tells_of_is_missing(tmp_path: Path) -> None:
    end = TrialEnd(t=5, trial="t", status="ok", images=1, power={"main": 3})
    marks = MarksFrame(v=1, boot=BOOT, seq=0, anchor=ANCHOR, t0=5, events=(end,))
    store = SqliteStore(tmp_path / "e3p.db")
    await store.open()
    async with running(store) as line:
        await line.intake.take(f"e3p/v1/{NODE}/marks/main", encode(marks))
        await line.until_settled(IntervalSet.of([0]), MARKS)
    rows = {row.stream: row for row in await read_ledger(store)}
    await store.close()
    assert rows[KEY.stream].missing == [[0, 3]]
    assert rows["marks/main"].closed


async def test_a_stream_that_only_a_report_tells_of_is_missing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "e3p.db")
    await store.open()
    async with running(store) as line:
        report = encode(health(0, stream_health(2, spooled=((1, 1),))))
        await line.intake.take(f"e3p/v1/{NODE}/health/agent", report)
    rows = {row.stream: row for row in await read_ledger(store, NODE)}
    await store.close()
    assert (rows[KEY.stream].missing, rows[KEY.stream].spooled) == ([[0, 0]], [[1, 1]])
