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
from edge_node.power.sensor import Found, SensorError, SensorSpec
from edge_node.sensing import taken
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError


async def examine(settings: Settings, *, device: bool = True) -> list[Finding]:
    """Everything, in the order of a reading's way; without `device` the server side alone.

    A device needs the broker that it was told of, and no store; one that is set is looked at all the same.
    """
    sensors = await anyio.to_thread.run_sync(examine_sensors, settings.edge) if device else []
    broker = await examine_broker(settings, device=device)
    if device and settings.common.mqtt is None:
        broker = [each.unneeded() for each in broker]
    has_store = not device or settings.resolved.origins["store"] != "default"
    findings = [
        *sensors,
        *broker,
        *(await examine_store(settings) if has_store else ()),
        *examine_disks(settings, device=device, store=has_store),
        examine_time(time.time()),
    ]
    return [each.without_secrets() for each in findings]


def examine_sensors(edge: EdgeSettings) -> list[Finding]:
    """Those that are set, each of which has to work; else those there are: the agent takes the best."""
    if edge.sensors:
        return [_tried(spec, f"{spec.stream}, as it is set") for spec in edge.sensors]
    found = discover()
    best = taken(edge, found)
    findings = [_found(each, best) for each in found]
    if best is None:
        words = f"the agent takes none of these for trials on {edge.trials_on}"
        right = "name one in [[edge.sensors]]" + ", or set allow_estimate" * (edge.trials_on == "cpu")
        findings.append(Finding("sensor", "", well=False, words=f"{words}: {right}"))
    return findings


def _found(found: Found, best: SensorSpec | None) -> Finding:
    """What discovery says of a driver; the one that the agent takes has to work."""
    if found.spec is None:
        return Finding("sensor", found.driver, well=False, words=found.reason, needed=False)
    if found.spec == best:
        return _tried(found.spec, f"{found.reason}; the agent takes it")
    return _tried(found.spec, found.reason).unneeded()


def _tried(spec: SensorSpec, reason: str) -> Finding:
    """A sensor that can be opened is read for a second, for its true update period and step."""
    try:
        sensor = open_sensor(spec)
    except (SensorError, UserError) as error:
        return Finding("sensor", spec.driver, well=False, words=str(error))
    try:
        observed = observe(sensor)
    finally:
        sensor.close()
    words = f"{reason}; {_in_words(observed)}; origin {sensor.info.origin}"
    return Finding("sensor", spec.driver, well=True, words=words)


def _in_words(observed: Observed) -> str:
    if observed.period_ms is None:
        return "did not change within a second"
    steps = f" in steps of {number(observed.step_w, 3)} W" if observed.step_w else ""
    return f"changes every {number(observed.period_ms, 3)} ms{steps}"
