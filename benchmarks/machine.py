"""The machine that the figures were taken on, in words."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec

LIBRARIES = ("msgspec", "numpy", "aiomqtt", "amqtt")
ARM_PARTS = Path("/proc/device-tree/model")


class Machine(msgspec.Struct, frozen=True):
    """What a figure depends on. `load` is that of other programs when the run began (1 = one core)."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    sqlite: str
    libraries: dict[str, str]
    load: float

    def __str__(self) -> str:
        libraries = ", ".join(f"{name} {number}" for name, number in self.libraries.items())
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.system}; "
            f"Python {self.python}, SQLite {self.sqlite}, {libraries}. "
            f"Other programs kept {self.load:.1f} of its cores busy when the run began."
        )


def describe() -> Machine:
    """This machine now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gib=memory / 2**30,
        system=f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        python=".".join(map(str, sys.version_info[:3])),
        sqlite=sqlite3.sqlite_version,
        libraries={name: version(name) for name in LIBRARIES},
        load=os.getloadavg()[0],
    )


def _cpu() -> str:
    if ARM_PARTS.exists():
        return ARM_PARTS.read_text(encoding="utf-8").rstrip("\0\n")
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return names[0] if names else platform.processor() or "an unnamed processor"
