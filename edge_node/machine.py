"""What the machine is made of and how its clocks are set, from files that every Linux or Jetson has.

These are settings, not readings: the same machine in the same state says the same every time. `root` is the
file system's, so that a tree of another machine can stand in.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from telemetry.contract.units import MAX_TEXT

CPU = Path("sys/devices/system/cpu")
DEVFREQ = Path("sys/class/devfreq")
# Tegra's names of its GPU among the devices whose clock the kernel scales.
GPUS = ("gpu", "gm20b", "gp10b", "gv11b", "ga10b")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a manifest that tell of the machine; None where nothing tells."""

    kernel: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    memory_mib: int | None = None
    governor: str | None = None
    clock_limits_mhz: dict[str, tuple[float, float]] | None = None


def read_machine(root: Path = Path("/")) -> Machine:
    """The machine as it is set now."""
    return Machine(
        kernel=platform.release()[:MAX_TEXT] or None,
        cpu=_cpu(root),
        cpus=os.cpu_count(),
        memory_mib=_memory_mib(root),
        governor=_governor(root),
        clock_limits_mhz=dict(_limits(root)) or None,
    )


def _cpu(root: Path) -> str | None:
    """The processor's name; ARM kernels tell only who made it, and a Jetson's device tree says more."""
    found = re.search(r"^model name\s*:\s*(.+)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    return found[1].strip()[:MAX_TEXT] if found else None


def _memory_mib(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found[1]) // 1024 if found else None


def _governor(root: Path) -> str | None:
    """How the processors' clocks are governed; several names where they are not governed alike."""
    paths = (root / CPU).glob("cpu[0-9]*/cpufreq/scaling_governor")
    names = sorted({_text(path) for path in paths} - {""})
    return ", ".join(names)[:MAX_TEXT] or None


def _limits(root: Path) -> Iterable[tuple[str, tuple[float, float]]]:
    """Lowest and highest clock that is allowed, MHz; equal where the clocks are pinned (`jetson_clocks`)."""
    folders = sorted((root / CPU).glob("cpu[0-9]*/cpufreq"))
    low = [value for folder in folders if (value := _number(folder / "scaling_min_freq"))]
    high = [value for folder in folders if (value := _number(folder / "scaling_max_freq"))]
    if low and high:
        yield "cpu", (min(low) / 1e3, max(high) / 1e3)
    for folder in sorted((root / DEVFREQ).glob("*")):
        least, most = _number(folder / "min_freq"), _number(folder / "max_freq")
        if least is not None and most is not None:
            is_gpu = any(part in folder.name for part in GPUS)
            yield ("gpu" if is_gpu else folder.name[:64]), (least / 1e6, most / 1e6)


def _number(path: Path) -> float | None:
    text = _text(path)
    return float(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
