"""What `e3p doctor` looks at, one function for each part; none of them changes anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import anyio.to_thread

from e3p.broker_check import examine_broker
from e3p.finding import Finding
from e3p.output import number
from e3p.settings import Settings
from edge_node.power.discover import discover, open_sensor
from edge_node.power.observe import Observed, observe
from edge_node.power.sensor import Found, SensorError
from telemetry.contract.errors import UserError
from telemetry.store.interface import StoreTooNew, StoreUnavailable
from telemetry.store.open import opened_store

__all__ = ["Finding", "examine"]

LEAST_FREE_BYTES = 1 << 30


async def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order of a reading's way."""
    sensors = await anyio.to_thread.run_sync(lambda: [_sensor(found) for found in discover()])
    return [*sensors, *await examine_broker(settings), await _store(settings), _disk()]


def _sensor(found: Found) -> Finding:
    """A sensor that can be opened is read for a second, for its true update period and step."""
    if found.spec is None:
        return Finding("sensor", found.driver, well=False, words=found.reason)
    try:
        sensor = open_sensor(found.spec)
    except (SensorError, UserError) as error:
        return Finding("sensor", found.driver, well=False, words=str(error))
    try:
        observed = observe(sensor)
    finally:
        sensor.close()
    words = f"{found.reason}; {_in_words(observed)}; origin {sensor.info.origin}"
    return Finding("sensor", found.driver, well=True, words=words)


def _in_words(observed: Observed) -> str:
    if observed.period_ms is None:
        return "did not change within a second"
    steps = f" in steps of {number(observed.step_w, 3)} W" if observed.step_w else ""
    return f"changes every {number(observed.period_ms, 3)} ms{steps}"


async def _store(settings: Settings) -> Finding:
    url = settings.common.store
    try:
        async with opened_store(url, create=False) as store:
            nodes = {account.key.node for account in await store.accounts()}
    except (UserError, StoreUnavailable, StoreTooNew) as error:
        return Finding("store", url, well=False, words=str(error))
    return Finding("store", url, well=True, words=f"holds {len(nodes)} node{'s' * (len(nodes) != 1)}")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    words = f"{free / 2**30:.1f} GiB free below {Path.cwd()}"
    return Finding("disk", "", well=free >= LEAST_FREE_BYTES, words=words)
