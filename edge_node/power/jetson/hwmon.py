"""JetPack 5 and newer: the kernel's own driver `ina3221`, which shows each channel through hwmon.

`/sys/class/hwmon/hwmon<n>/` with the name `ina3221` has `inN_label`, `inN_input` (mV), `currN_input` (mA),
`shuntN_resistor` (µΩ) and `update_interval` (ms). in4 to in6 are the shunts' own voltages, in7 is
their sum: only 1 to 3 are rails (Documentation/hwmon/ina3221.rst).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_node.power.jetson.ina3221 import Rail
from edge_node.power.sensor import SensorError
from edge_node.power.sysfs import NumberFile, read_number, read_text

HWMON = Path("sys/class/hwmon")
CHIP = "ina3221"
CHANNELS = range(1, 4)
# The label of a channel that nothing is connected to.
UNUSED = "NC"


def rails(root: Path) -> Iterator[Rail]:
    """The rails of every chip of that driver, those that cannot be read now as well."""
    for folder in sorted((root / HWMON).glob("hwmon*")):
        if read_text(folder / "name") != CHIP:
            continue
        for channel in CHANNELS:
            name = read_text(folder / f"in{channel}_label")
            if name and UNUSED not in name.split("_") and read_text(folder / f"in{channel}_enable") != "0":
                yield _rail(folder, channel, name)


def _rail(folder: Path, channel: int, name: str) -> Rail:
    micro_ohm = _number(folder / f"shunt{channel}_resistor")
    interval_ms = _number(folder / "update_interval")
    return Rail(
        name=name,
        volts=NumberFile(folder / f"in{channel}_input", patient=True),
        current=NumberFile(folder / f"curr{channel}_input", patient=True),
        power=None,
        shunt_ohm=micro_ohm * 1e-6 if micro_ohm else None,
        update_ms=float(interval_ms) if interval_ms else None,
    )


def _number(path: Path) -> int | None:
    try:
        return read_number(path)
    except SensorError:
        return None
