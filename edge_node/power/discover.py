"""Which sensors this machine has, why each was taken or passed over, and how to open one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

from edge_node.power.observe import split_figures
from edge_node.power.sensor import Driver, Found, Sensor, SensorSpec
from telemetry.contract.errors import UserError
from telemetry.contract.topics import is_stream

TrialsOn = Literal["cpu", "cuda"]

# The best first: `best` takes the first that is there. Each is a module of this package, loaded when needed.
DRIVERS = ("jetson", "nvml", "rapl", "battery", "synthetic", "replay", "estimate")
# Which of them do not see what trials run on, and so are not taken for it unless someone names them.
BLIND: dict[TrialsOn, tuple[str, ...]] = {"cpu": ("nvml",), "cuda": ("rapl", "estimate")}

DEFAULT_TICK_S = 0.05


def discover(root: Path = Path("/")) -> list[Found]:
    """What each driver says of the machine whose files lie under `root`, the best first."""
    return [_driver(name).find(root) for name in DRIVERS]


def best(found: Iterable[Found], trials_on: TrialsOn = "cpu") -> SensorSpec | None:
    """The first that can be opened and sees what trials run on; an estimate only where nothing measures."""
    return next((one.spec for one in found if one.spec and one.driver not in BLIND[trials_on]), None)


def open_sensor(spec: SensorSpec, tick_s: float = DEFAULT_TICK_S) -> Sensor:
    """The sensor of a spec, to be read every `tick_s`, with what its user knows better than its driver.

    Raises `UserError` for a wrong spec, `SensorError` where the machine does not give what it asks for.
    """
    if spec.driver not in DRIVERS:
        raise UserError(f"sensor {spec.driver!r} is unknown; there are {', '.join(DRIVERS)}")
    if not is_stream(spec.stream):
        raise UserError(f"sensor {spec.driver}: stream {spec.stream!r}; right would be 1-32 of a-z 0-9 _ -")
    spec, figures = split_figures(spec)
    sensor = _driver(spec.driver).open_sensor(spec, tick_s)
    sensor.info = figures.over(sensor.info)
    return sensor


def _driver(name: str) -> Driver:
    return cast("Driver", importlib.import_module(f"edge_node.power.{name}"))
