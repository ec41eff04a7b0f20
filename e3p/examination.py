"""What `e3p doctor` looks at, one function for each part; what one of them writes it takes away."""

from __future__ import annotations

import time

import anyio
import anyio.to_thread

from e3p.broker_check import examine_broker
from e3p.finding import Finding
from e3p.output import number
from e3p.settings import Settings
from e3p.store_check import examine_disks, examine_store, examine_time
from edge_node.power.discover import discover, open_sensor
from edge_node.power.observe import Observed, observe
from edge_node.power.sensor import Found, SensorError
from telemetry.contract.errors import UserError


async def examine(settings: Settings, *, device: bool = True) -> list[Finding]:
    """Everything, in the order of a reading's way; without `device` the server side alone."""
    sensors: list[Finding] = []
    if device:
        sensors = await anyio.to_thread.run_sync(lambda: [_sensor(found) for found in discover()])
    disks = examine_disks(settings, device=device)
    findings = [
        *sensors,
        *await examine_broker(settings),
        *await examine_store(settings),
        *disks,
        examine_time(time.time()),
    ]
    return [each.without_secrets() for each in findings]


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
