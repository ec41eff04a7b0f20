"""Backups of an InfluxDB 2 that outlive its retention."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.intervals import IntervalSet
from telemetry.store.backup import back_up, restore
from telemetry.store.influx import attendance
from tests.contracts.store.builders import POWER, S, power
from tests.influx import fresh, held, influx_store, write_line
from tests.servers import Influx

pytestmark = pytest.mark.anyio

DAY_NS = 86_400 * S


async def test_frames_too_old_for_the_raw_bucket_by_now_are_restored_into_the_archive(
    influx: Influx, tmp_path: Path
) -> None:
    yesterday = time.time_ns() - DAY_NS
    frames = [power(seq, anchor=yesterday) for seq in range(5)]
    with fresh(influx) as bucket, fresh(influx) as other:
        store = influx_store(influx, bucket)
        await store.open()
        await store.write(frames)
        await store.close()
        await back_up(store, tmp_path / "backup", 0.0, lambda _: None)
        later = influx_store(influx, other, now_ns=lambda: time.time_ns() + 60 * DAY_NS)
        await restore(tmp_path / "backup", later, force=False)
        await later.open()
        held = await later.frames(POWER, IntervalSet.below(5))
        assert [frame for _, frame in held] == [received.frame for received in frames]
        archived = await later._server.ask(later._server.address.buckets.archive, "SELECT seq FROM frame")
        assert [point["seq"] for point in archived] == list(range(5))
        await later.close()


async def test_a_body_that_was_refused_is_no_part_of_a_backup(influx: Influx, tmp_path: Path) -> None:
    now = time.time_ns()
    good = power(0, anchor=now, t0=2 * S, ch=("a", "b"))
    with fresh(influx) as bucket, fresh(influx) as other:
        store, later = influx_store(influx, bucket), influx_store(influx, other)
        await store.open()
        write_line(influx, bucket, f"power,node=other gpu=5i {now}")
        await store.write([power(0, anchor=now, t0=3 * S)])
        await store.write([good])
        await store.close()
        backup = await back_up(store, tmp_path / "backup", 0.0, lambda _: None)
        assert backup.holds["frames"] == 1
        await restore(tmp_path / "backup", later, force=False)
        await later.open()
        assert await held(later) == [good.frame]
        await later.close()


@pytest.fixture
async def backup(influx: Influx, bucket: str, tmp_path: Path) -> Path:
    """A backup of an empty store."""
    store = influx_store(influx, bucket)
    await store.open()
    await store.close()
    await back_up(store, tmp_path / "backup", 0.0, lambda _: None)
    return tmp_path / "backup"


async def test_under_a_collector_at_work_nothing_is_restored(
    influx: Influx, bucket: str, backup: Path
) -> None:
    collecting, restoring = influx_store(influx, bucket), influx_store(influx, bucket)
    await collecting.open()
    await collecting.attend("e3p serve on server.lan (process 7)")
    with pytest.raises(
        UserError, match=r"collectors are at work: e3p serve on server.lan \(process 7\); stop"
    ):
        await restore(backup, restoring, force=True)
    await restore(backup, restoring, force=True, despite_collector=True)
    await collecting.attend("e3p serve on server.lan (process 7)")
    await collecting.close()
    await restore(backup, restoring, force=True)


async def test_a_collector_that_says_nothing_any_more_is_gone(
    influx: Influx, bucket: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "GONE_S", 1)
    killed = influx_store(influx, bucket)
    await killed.open()
    await killed.attend("a collector")
    await anyio.sleep(1.1)
    await restore(backup, influx_store(influx, bucket), force=True)
    await killed.close()


async def test_any_number_of_collectors_are_named(influx: Influx, bucket: str, backup: Path) -> None:
    both = [influx_store(influx, bucket) for _ in range(2)]
    for number, store in enumerate(both):
        await store.open()
        await store.attend(f"collector {number}")
    with pytest.raises(UserError, match="at work: collector 0, collector 1;"):
        await restore(backup, influx_store(influx, bucket), force=True)
    for store in both:
        await store.close()
