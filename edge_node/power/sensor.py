"""What a sensor is: three methods, and the manifest's entry that says what its numbers mean.

A driver reads one thing (a file of sysfs, a log, a formula) and knows nothing of rates, frames or MQTT.
The sampler passes the time in and stamps the reading itself. See docs/adding-a-sensor.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo

T = TypeVar("T")

Option = str | int | float | bool


class SensorError(Exception):
    """This tick has no reading. The text says what is wrong and where."""


class SensorSpec(msgspec.Struct, frozen=True):
    """Which driver feeds which stream, and with what options (the driver's `Options` says which it takes)."""

    driver: str
    stream: str = "main"
    options: dict[str, Option] = {}


class Found(NamedTuple):
    """What a driver says of this machine: how to open it, or None, and why in plain words."""

    driver: str
    spec: SensorSpec | None
    reason: str


class Sensor(Protocol):
    """A source of power readings. `info` is the stream's entry in the manifest.

    `counter_every_s` is how far apart the counters may be read between two ends of windows; 0: as often as
    wanted, with each frame.
    """

    info: StreamInfo
    counter_every_s: float

    def read(self, t_ns: int) -> Sequence[float]:
        """Watts of each channel at monotonic `t_ns` (now); NaN is no reading. Raises `SensorError`."""

    def counters_j(self) -> Sequence[float] | None:
        """Hardware energy counters of each channel at the last `read`, joules; None where there are none."""

    def close(self) -> None:
        """Lets go of files. Twice is once."""


class Driver(Protocol):
    """What a driver's module offers beside its sensor."""

    def open_sensor(self, spec: SensorSpec, tick_s: float) -> Sensor:
        """A sensor read every `tick_s`. Raises `UserError` for options, `SensorError` for what it reads."""

    def find(self, root: Path) -> Found:
        """Whether the machine whose files lie under `root` has it."""


class Held:
    """A reading that is asked for at most every `every_ns`, and held in between: hardware has nothing new.

    `ask` gives watts or raises `SensorError`; an error is held as long as a value.
    """

    __slots__ = ("_ask", "_asked_ns", "_every_ns", "_fault", "_watts")

    def __init__(self, ask: Callable[[], list[float]], every_ns: int) -> None:
        self._ask = ask
        self._every_ns = every_ns
        self._asked_ns: int | None = None
        self._watts: list[float] = []
        self._fault: str | None = None

    def read(self, t_ns: int) -> list[float]:
        """The reading at monotonic `t_ns`. Raises `SensorError`."""
        if self._asked_ns is None or t_ns - self._asked_ns >= self._every_ns:
            self._asked_ns = t_ns
            self._fault = None
            try:
                self._watts = self._ask()
            except SensorError as error:
                self._fault = str(error)
        if self._fault is not None:
            raise SensorError(self._fault)
        return self._watts


def read_options(spec: SensorSpec, kind: type[T]) -> T:
    """The spec's options as the driver's own struct. Raises `UserError` with the driver and the option."""
    known = [field.name for field in msgspec.structs.fields(kind)]  # type: ignore[arg-type]
    for name in spec.options:
        if name not in known:
            raise UserError(f"sensor {spec.driver}: unknown option {name!r}; it takes {', '.join(known)}")
    try:
        return msgspec.convert(spec.options, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"sensor {spec.driver}: {error}") from None
