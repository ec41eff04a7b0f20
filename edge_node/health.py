"""How the device fares, from sysfs and /proc. What cannot be read is absent, never 0.

`root` is the file system's, so that a tree of another machine can stand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge_node.machine import CPU, DEVFREQ, GPUS

THERMAL = Path("sys/class/thermal")
HWMON = Path("sys/class/hwmon")
MEMINFO = Path("proc/meminfo")
STAT = Path("proc/stat")
# Where Jetsons say how busy the GPU is, in thousandths.
GPU_LOADS = (Path("sys/devices/gpu.0/load"), Path("sys/devices/platform/gpu.0/load"))


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """The readings of a health frame, by the names of its fields."""

    temp_c: dict[str, float] | None = None
    clock_mhz: dict[str, float] | None = None
    util: dict[str, float] | None = None
    fan_rpm: float | None = None
    throttle: tuple[str, ...] | None = None
    mem_used_mib: float | None = None


class Vital:
    """Reads the device. Utilisation and throttling are of the time since the last reading."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._busy: tuple[int, int] | None = _jiffies(root)
        self._throttled = _throttle_counts(root)

    def read(self) -> Vitals:
        """Everything as it is now."""
        root = self._root
        return Vitals(
            temp_c=dict(_temperatures(root)) or None,
            clock_mhz=dict(_clocks(root)) or None,
            util=dict(self._utilisation()) or None,
            fan_rpm=_number(next(iter(sorted((root / HWMON).glob("hwmon*/fan1_input"))), None)),
            throttle=self._throttle(),
            mem_used_mib=_memory_used_mib(root),
        )

    def _utilisation(self) -> Iterator[tuple[str, float]]:
        """Shares from 0 to 1."""
        before, self._busy = self._busy, _jiffies(self._root)
        if before and self._busy and self._busy[1] > before[1]:
            yield "cpu", (self._busy[0] - before[0]) / (self._busy[1] - before[1])
        gpu = next(filter(None, (_text(self._root / path) for path in GPU_LOADS)), None)
        if gpu is not None and gpu.isdigit():
            yield "gpu", int(gpu) / 1000

    def _throttle(self) -> tuple[str, ...]:
        """What holds the device back: cooling that is at work, and CPUs that throttled since last time."""
        before, self._throttled = self._throttled, _throttle_counts(self._root)
        names = {"cpu" for path, count in self._throttled.items() if count > before.get(path, count)}
        for device in (self._root / THERMAL).glob("cooling_device*"):
            kind, state = _text(device / "type"), _number(device / "cur_state")
            # A fan cools without holding anything back.
            if kind and "fan" not in kind.lower() and state is not None and state > 0:
                names.add(kind[:64])
        return tuple(sorted(names))


def fields_of(vitals: Vitals) -> dict[str, Any]:
    """What was read, as keyword arguments of a health frame."""
    return {name: value for name, value in msgspec.structs.asdict(vitals).items() if value is not None}


def _temperatures(root: Path) -> Iterator[tuple[str, float]]:
    for zone in sorted((root / THERMAL).glob("thermal_zone*")):
        kind, milli = _text(zone / "type"), _number(zone / "temp")
        # Tegra's PMIC zone always says 100 °C, and zones that are off say something far below zero.
        if kind and milli is not None and -50_000 < milli < 200_000 and kind != "PMIC-Die":
            yield kind[:64], milli / 1000


def _clocks(root: Path) -> Iterator[tuple[str, float]]:
    khz = [_number(path) for path in (root / CPU).glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    known = [value for value in khz if value is not None]
    if known:
        yield "cpu", sum(known) / len(known) / 1000
    for device in sorted((root / DEVFREQ).glob("*")):
        hertz = _number(device / "cur_freq")
        if hertz is not None:
            is_gpu = any(part in device.name for part in GPUS)
            yield ("gpu" if is_gpu else device.name[:64]), hertz / 1e6


def _throttle_counts(root: Path) -> dict[Path, float]:
    paths = (root / CPU).glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    return {path: count for path in paths if (count := _number(path)) is not None}


def _memory_used_mib(root: Path) -> float | None:
    sizes = {}
    for line in (_text(root / MEMINFO) or "").splitlines():
        name, _, words = line.partition(":")
        if words.split()[:1] and words.split()[0].isdigit():
            sizes[name] = int(words.split()[0])
    if "MemTotal" not in sizes or "MemAvailable" not in sizes:
        return None
    return (sizes["MemTotal"] - sizes["MemAvailable"]) / 1024


def _jiffies(root: Path) -> tuple[int, int] | None:
    """Ticks of all CPUs since the start of the machine: busy, and all (proc(5): user nice system idle …)."""
    numbers = [
        int(word) for word in (_text(root / STAT) or "").partition("\n")[0].split()[1:9] if word.isdigit()
    ]
    return (sum(numbers) - sum(numbers[3:5]), sum(numbers)) if len(numbers) >= 4 else None


def _number(path: Path | None) -> float | None:
    text = _text(path) if path else None
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
