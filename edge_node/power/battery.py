"""The battery of a laptop: what flows out of it is what the whole machine draws, while it discharges.

`/sys/class/power_supply/BAT*/power_now` in µW, or `current_now` (µA) × `voltage_now` (µV).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from edge_node.power.sensor import Found, Held, SensorError, SensorSpec, read_options
from edge_node.power.sysfs import NumberFile, read_text
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS

POWER_SUPPLY = Path("sys/class/power_supply")
# Embedded controllers renew the value every one to thirty seconds; the true period is measured at the start.
PERIOD_MS = 1000.0
# Fuel gauges state no accuracy; a few percent is usual (unverified).
GAIN_UNCERTAINTY = 0.05

# Asking the controller can take milliseconds, and it has nothing new so soon.
_ASK_EVERY_NS = 100 * NS_PER_MS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is the battery's folder."""

    path: str = f"/{POWER_SUPPLY}/BAT0"


class BatterySensor:
    """One channel: watts out of the battery. No reading while it charges or rests on the mains."""

    counter_every_s = 0.0

    def __init__(self, path: Path, stream: str = "main") -> None:
        self._path = path
        self._power_w, self._files = _power(path)
        self._held = Held(self._ask, _ASK_EVERY_NS)
        self.info = StreamInfo(
            stream=stream,
            sensor="battery",
            channels=("battery",),
            total="battery",
            origin="measured",
            period_ms=PERIOD_MS,
            delay_ms=PERIOD_MS / 2,
            holds=True,
            gain_uncertainty=GAIN_UNCERTAINTY,
            min_w=0.0,
        )

    def __repr__(self) -> str:
        return f"BatterySensor({self._path})"

    def read(self, t_ns: int) -> list[float]:
        return self._held.read(t_ns)

    def counters_j(self) -> None:
        """A battery counts charge, too coarsely to be an energy counter."""

    def close(self) -> None:
        """Closes the battery's files."""
        for file in self._files:
            file.close()

    def _ask(self) -> list[float]:
        if words := _not_discharging(self._path):
            raise SensorError(words)
        # Some controllers count what flows out as negative.
        return [abs(self._power_w())]


def open_sensor(spec: SensorSpec, tick_s: float) -> BatterySensor:
    """The battery. Raises `SensorError` where it cannot be read."""
    del tick_s
    return BatterySensor(Path(read_options(spec, Options).path), spec.stream)


def find(root: Path) -> Found:
    """Taken where one battery says its power and is discharging."""
    batteries = [folder for folder in sorted((root / POWER_SUPPLY).glob("*")) if _is_battery(folder)]
    if not batteries:
        return Found("battery", None, f"no battery in {root / POWER_SUPPLY}")
    if len(batteries) > 1:
        names = ", ".join(folder.name for folder in batteries)
        return Found("battery", None, f"{names}: with two batteries none sees the whole machine; remove one")
    try:
        _, files = _power(batteries[0])
    except SensorError as error:
        return Found("battery", None, str(error))
    for file in files:
        file.close()
    if words := _not_discharging(batteries[0]):
        return Found("battery", None, words)
    spec = SensorSpec("battery", options={"path": str(batteries[0])})
    return Found("battery", spec, f"{batteries[0].name} is discharging: the power of the whole machine, slow")


def _is_battery(folder: Path) -> bool:
    # A mouse's or pen's battery has the scope Device.
    return read_text(folder / "type") == "Battery" and read_text(folder / "scope") != "Device"


def _not_discharging(folder: Path) -> str | None:
    status = read_text(folder / "status") or "in an unknown state"
    if status == "Discharging":
        return None
    return (
        f"{folder.name} is {status.lower()}, so its power is not the machine's; unplug the charger to measure"
    )


def _power(folder: Path) -> tuple[Callable[[], float], list[NumberFile]]:
    """How to read the watts, and the files that it holds open."""
    if (folder / "power_now").exists():
        power = NumberFile(folder / "power_now")
        return (lambda: power.read() * 1e-6), [power]
    if not (folder / "current_now").exists():
        raise SensorError(f"{folder}: neither power_now nor current_now; this battery does not say its power")
    current = NumberFile(folder / "current_now")
    try:
        voltage = NumberFile(folder / "voltage_now")
    except SensorError:
        current.close()
        raise
    return (lambda: current.read() * voltage.read() * 1e-12), [current, voltage]
