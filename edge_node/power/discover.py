"""Which sensors this machine has, why each was taken or passed over, and how to open one."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal, cast

import msgspec

from edge_node.power.sensor import Driver, Found, Sensor, SensorError, SensorSpec
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS, to_ns
from telemetry.contract.topics import is_stream

TrialsOn = Literal["cpu", "cuda"]

# The best first: `best` takes the first that is there. Each is a module of this package, loaded when needed.
DRIVERS = ("jetson", "nvml", "rapl", "battery", "synthetic", "replay", "estimate")
# Which of them do not see what trials run on, and so are not taken for it unless someone names them.
BLIND: dict[TrialsOn, tuple[str, ...]] = {"cpu": ("nvml",), "cuda": ("rapl", "estimate")}

DEFAULT_TICK_S = 0.05

_POLL_S = 0.0002
_ENOUGH_CHANGES = 21


def discover(root: Path = Path("/")) -> list[Found]:
    """What each driver says of the machine whose files lie under `root`, the best first."""
    return [_driver(name).find(root) for name in DRIVERS]


def best(found: Iterable[Found], trials_on: TrialsOn = "cpu") -> SensorSpec | None:
    """The first that can be opened and sees what trials run on; an estimate only where nothing measures."""
    return next((one.spec for one in found if one.spec and one.driver not in BLIND[trials_on]), None)


def open_sensor(spec: SensorSpec, tick_s: float = DEFAULT_TICK_S) -> Sensor:
    """The sensor of a spec, to be read every `tick_s`.

    Raises `UserError` for a wrong spec, `SensorError` where the machine does not give what it asks for.
    """
    if spec.driver not in DRIVERS:
        raise UserError(f"sensor {spec.driver!r} is unknown; there are {', '.join(DRIVERS)}")
    if not is_stream(spec.stream):
        raise UserError(f"sensor {spec.driver}: stream {spec.stream!r}; right would be 1-32 of a-z 0-9 _ -")
    return _driver(spec.driver).open_sensor(spec, tick_s)


def measure_period(
    sensor: Sensor,
    within_s: float = 1.0,
    clock: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> float | None:
    """How often the sensor's value changes, in ms; None when it did not change twice `within_s`.

    A load that stands perfectly still looks like a slow sensor, so this is an upper bound. A counter that
    must be read seldom is not read.
    """
    counts = not sensor.counter_every_s
    changes: list[int] = []
    before: list[float] | None = None
    begin = now = clock()
    while now - begin < to_ns(within_s) and len(changes) < _ENOUGH_CHANGES:
        try:
            value = list(sensor.read(now))
        except SensorError:
            return None
        value = list((counts and sensor.counters_j()) or value)
        if before is not None and value != before:
            changes.append(now)
        before = value
        sleep(_POLL_S)
        now = clock()
    gaps = [later - sooner for sooner, later in pairwise(changes)]
    return median(gaps) / NS_PER_MS if gaps else None


def with_period(info: StreamInfo, period_ms: float) -> StreamInfo:
    """The manifest's entry with the period that was measured; a held value is half of it old when read."""
    delay_ms = info.delay_ms + (period_ms - info.period_ms) / 2 if info.holds else info.delay_ms
    return msgspec.structs.replace(info, period_ms=period_ms, delay_ms=delay_ms)


def _driver(name: str) -> Driver:
    return cast("Driver", importlib.import_module(f"edge_node.power.{name}"))
