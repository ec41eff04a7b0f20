"""The tasks for power of years: set up once, and their numbers are those of the samples."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.contract.columns import pack, pack_dt
from telemetry.store.influx import Address, InfluxStore
from telemetry.store.influx.downsampling import TASKS
from telemetry.store.steps import Step
from tests.contracts.store.builders import S, power
from tests.influx import drop_buckets
from tests.servers import Influx

pytestmark = pytest.mark.anyio

MINUTE = 60 * S


@pytest.fixture
def bucket(influx: Influx, bucket: str) -> Iterator[str]:
    """Its tasks go too."""
    yield bucket
    for task in tasks_of(influx, bucket).values():
        influx.call("DELETE", f"/api/v2/tasks/{task['id']}")


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


def tasks_of(influx: Influx, bucket: str) -> dict[str, dict[str, Any]]:
    tasks = influx.call("GET", f"/api/v2/tasks?org={influx.org}&limit=500")["tasks"]
    return {task["name"]: task for task in tasks if f" {bucket} " in task["name"]}


def outcomes(steps: list[Step]) -> set[str]:
    return {step.outcome for step in steps}


def run(influx: Influx, flux: str) -> None:
    """The task's program, run now as a query; it answers with what it wrote."""
    body = json.dumps({"query": flux, "type": "flux"}).encode()
    headers = {"Authorization": f"Token {influx.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{influx.url}/api/v2/query?org={influx.org}", body, headers)
    with urllib.request.urlopen(request) as answer:
        told = answer.read().decode()
    assert "error" not in told.splitlines()[0], told[:500]


async def test_setting_up_again_changes_nothing(influx: Influx, bucket: str, store: InfluxStore) -> None:
    first = list(await store.set_up(None))
    assert outcomes([step for step in first if step.what == "task"]) == {"made"}
    assert outcomes(list(await store.set_up(None))) == {"kept"}
    assert len(tasks_of(influx, bucket)) == len(TASKS)


async def test_a_task_that_was_changed_is_put_right(influx: Influx, bucket: str, store: InfluxStore) -> None:
    await store.set_up(None)
    name, task = next(iter(tasks_of(influx, bucket).items()))
    influx.call("PATCH", f"/api/v2/tasks/{task['id']}", {"status": "inactive"})
    assert [step.name for step in await store.set_up(None) if step.outcome == "changed"] == [name]
    assert tasks_of(influx, bucket)[name]["status"] == "active"


async def test_a_retention_that_was_asked_for_is_set(store: InfluxStore, bucket: str) -> None:
    (changed,) = [step for step in await store.set_up(60) if step.outcome == "changed"]
    assert (changed.name, changed.words) == (bucket, "60 days, before 30 days")


async def test_the_tasks_means_minima_and_maxima_are_those_of_the_samples(
    influx: Influx, bucket: str, store: InfluxStore
) -> None:
    await store.set_up(None)
    begin = (time.time_ns() // MINUTE - 5) * MINUTE
    watts = [10.0 + math.sin(at) for at in range(4 * 60 * 4)]  # 4 Hz for 4 minutes
    for at in range(0, len(watts), 48):
        some = [value for pair in zip(watts[at : at + 48], [1.0] * 48, strict=True) for value in pair]
        times = pack_dt([step * S // 4 for step in range(48)])
        frame = power(at // 48, anchor=begin, t0=at * S // 4, dt=times, w=pack("f", some))
        await store.write([frame])
    address = Address.parse(store.url)
    for task in TASKS:
        run(influx, task.flux(address))
    for seconds, window in ((60, "1m"), (1, "1s")):
        size = 4 * seconds
        whole = {begin + at * S // 4: watts[at : at + size] for at in range(0, len(watts), size)}
        for name, fold in (("mean", lambda some: sum(some) / len(some)), ("min", min), ("max", max)):
            asked = f"SELECT total, gpu FROM power_{window} WHERE node = 'tx2' AND of = '{name}'"
            rows = await store._server.ask(f"{bucket}-long", asked)
            assert {row["time"]: row["total"] for row in rows} == {
                at: pytest.approx(fold(some), rel=1e-6) for at, some in whole.items()
            }
            assert {row["gpu"] for row in rows} == {1.0}


def e3p(*arguments: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "e3p", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_command_tells_what_it_did(influx: Influx, bucket: str, tmp_path: Path) -> None:
    where = {"E3P_STORE": influx.store(bucket), "E3P_STORE_TOKEN": influx.token}
    first = json.loads(e3p("store", "setup", "--json", folder=tmp_path, **where).stdout)
    assert first["store"] == influx.store(bucket)
    assert {step["name"] for step in first["steps"] if step["what"] == "bucket"} == {
        bucket,
        f"{bucket}-results",
        f"{bucket}-archive",
        f"{bucket}-long",
    }
    second = e3p("store", "setup", folder=tmp_path, **where)
    assert second.returncode == 0, second.stderr
    assert "made" not in second.stdout
    drop_buckets(influx, bucket)


def test_a_store_in_a_file_needs_nothing(tmp_path: Path) -> None:
    done = e3p("store", "setup", "--store", "sqlite:///e3p.db", folder=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "sqlite:///e3p.db: a store in a file, nothing more is needed\n",
    )
