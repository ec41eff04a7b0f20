"""RAPL: the energy counters of Intel and AMD processors, through `/sys/class/powercap/intel-rapl:*`.

Counters in µJ that wrap at `max_energy_range_uj`, updated every millisecond (Intel SDM vol. 3B, 15.10).
`psys` is the whole platform and contains the packages; a package contains its `core` and `uncore`, but not
its `dram`. The channels are the total and parts that do not overlap.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge_node.power.sensor import Found, SensorError, SensorSpec, read_options
from edge_node.power.sysfs import NumberFile, read_number, read_text
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS

POWERCAP = Path("sys/class/powercap")
UPDATE_MS = 1.0
# One count of the usual energy unit, 2^-14 J; the kernel does not say which unit a processor has.
COUNT_J = 2.0**-14
# Intel states none. A few percent against reference meters (Khan et al. 2018, RAPL in Action).
GAIN_UNCERTAINTY = 0.03

# A counter that stands still longer than this is a zone without power, not one between two updates.
_HOLD_NS = 100 * NS_PER_MS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is the folder of the powercap zones."""

    path: str = f"/{POWERCAP}"


class Zone:
    """One counter, unwrapped: joules since it was opened, and the mean power since its last change."""

    def __init__(self, folder: Path) -> None:
        self._range_uj = read_number(folder / "max_energy_range_uj")
        self._file = NumberFile(folder / "energy_uj")
        self._raw_uj = self._file.read()
        self._changed_ns: int | None = None
        self.total_uj = 0
        self.power_w = float("nan")

    def update(self, t_ns: int) -> None:
        """Reads the counter. The first reading has no power yet, as no time has passed."""
        raw = self._file.read()
        change = raw - self._raw_uj
        if self._changed_ns is None:
            self._changed_ns = t_ns
        elif change or t_ns - self._changed_ns > _HOLD_NS:
            if change < 0:
                change += self._range_uj
            if t_ns > self._changed_ns:
                self.power_w = change * 1e3 / (t_ns - self._changed_ns)
            self._changed_ns = t_ns
        else:
            return
        self.total_uj += change
        self._raw_uj = raw

    def close(self) -> None:
        """Closes the counter's file."""
        self._file.close()


class Layout(NamedTuple):
    """Which zones make the channels: the total is a zone of its own, or None where it is the parts' sum."""

    total: tuple[str, Path] | None
    parts: list[tuple[str, Path]]

    @property
    def channels(self) -> tuple[str, ...]:
        """The names, the total first."""
        return (self.total[0] if self.total else "total", *(name for name, _ in self.parts))

    @property
    def folders(self) -> list[Path]:
        """The zones to read, in the order of the channels."""
        return [folder for _, folder in [*([self.total] if self.total else []), *self.parts]]


class RaplSensor:
    """Mean power of each zone since the last reading."""

    counter_every_s = 0.0

    def __init__(self, path: Path, tick_s: float, stream: str = "main") -> None:
        layout = lay_out(path)
        refuse_unreadable(layout, path)
        self.info = _info(layout.channels, tick_s, stream)
        self._summed = layout.total is None
        self._zones: list[Zone] = []
        try:
            for folder in layout.folders:
                self._zones.append(Zone(folder))
        except SensorError:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"RaplSensor({', '.join(self.info.channels)})"

    def read(self, t_ns: int) -> list[float]:
        for zone in self._zones:
            zone.update(t_ns)
        return self._with_total([zone.power_w for zone in self._zones])

    def counters_j(self) -> list[float]:
        """Joules since the sensor was opened."""
        return self._with_total([zone.total_uj * 1e-6 for zone in self._zones])

    def close(self) -> None:
        """Closes every counter."""
        for zone in self._zones:
            zone.close()

    def _with_total(self, values: list[float]) -> list[float]:
        return [sum(values), *values] if self._summed else values


def lay_out(path: Path) -> Layout:
    """The zones below `path` as channels. Raises `SensorError` where there is no RAPL."""
    # intel-rapl:N are the domains, intel-rapl:N:M their parts; intel-rapl-mmio counts the same joules again.
    domains = sorted(folder for folder in path.glob("intel-rapl:*") if folder.name.count(":") == 1)
    named = [(_name(folder), folder) for folder in domains]
    packages = [zone for zone in named if zone[0].startswith("package")]
    platform = next((zone for zone in named if zone[0] == "psys"), None)
    inside = [zone for package in packages for zone in _inside(path, *package)]
    drams = [zone for zone in inside if zone[0].endswith("dram")]
    if platform:
        return Layout(platform, packages + drams)
    if not packages:
        raise SensorError(f"{path}: no RAPL package (intel-rapl:0 with the name package-0)")
    if len(packages) == 1 and not drams:
        return Layout(packages[0], inside)
    return Layout(None, packages + drams)


def refuse_unreadable(layout: Layout, path: Path) -> None:
    """Raises `SensorError` with what to do where a counter is for root alone, as it is since 2020."""
    for folder in layout.folders:
        if not os.access(folder / "energy_uj", os.R_OK):
            help_ = f"sudo chmod a+r {path}/intel-rapl*/energy_uj (a udev rule makes it stay)"
            raise SensorError(f"only root may read {folder}/energy_uj; run as root, or: {help_}")


def open_sensor(spec: SensorSpec, tick_s: float) -> RaplSensor:
    """The processor's counters. Raises `SensorError` where they are absent or may not be read."""
    return RaplSensor(Path(read_options(spec, Options).path), tick_s, spec.stream)


def find(root: Path) -> Found:
    """Taken where the counters are there and may be read."""
    path = root / POWERCAP
    try:
        layout = lay_out(path)
    except SensorError:
        return Found(
            "rapl", None, f"no energy counters of a processor in {path} (none in most virtual machines)"
        )
    try:
        refuse_unreadable(layout, path)
    except SensorError as error:
        return Found("rapl", None, str(error))
    spec = SensorSpec("rapl", options={"path": str(path)})
    return Found("rapl", spec, f"the processor's energy counters: {', '.join(layout.channels)}")


def _inside(path: Path, package: str, folder: Path) -> list[tuple[str, Path]]:
    return [(f"{package}-{_name(zone)}", zone) for zone in sorted(path.glob(f"{folder.name}:*"))]


def _name(folder: Path) -> str:
    return read_text(folder / "name") or folder.name


def _info(channels: tuple[str, ...], tick_s: float, stream: str) -> StreamInfo:
    tick_ms = tick_s * 1e3
    return StreamInfo(
        stream=stream,
        sensor="rapl",
        channels=channels,
        total=channels[0],
        origin="measured",
        period_ms=UPDATE_MS,
        # A reading is the mean since the one before: as long as the tick, and half of it old.
        averaging_window_ms=tick_ms,
        delay_ms=tick_ms / 2,
        resolution_w=COUNT_J / tick_s,
        gain_uncertainty=GAIN_UNCERTAINTY,
    )
