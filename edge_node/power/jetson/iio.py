"""JetPack 4: NVIDIA's own driver `ina3221x`, which shows each channel through IIO.

`/sys/bus/i2c/drivers/ina3221x/<bus>-<address>/iio:device<n>/` has `rail_name_N`, `in_powerN_input` (mW),
`in_currentN_input` (mA) and `in_voltageN_input` (mV); the numbers of bus and device differ from boot to boot.
`of_node` beside it is the chip in the device tree: numbers of 32 bits, the highest byte first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_node.power.jetson.ina3221 import Rail, update_ms
from edge_node.power.sysfs import NumberFile, read_text

DRIVER = Path("sys/bus/i2c/drivers/ina3221x")
CHANNELS = range(3)
# NVIDIA's name for a channel that nothing is connected to.
UNUSED = "NC"


def rails(root: Path) -> Iterator[Rail]:
    """The rails of every chip of that driver, those that cannot be read now as well."""
    for chip in sorted((root / DRIVER).glob("*-00*")):
        for folder in sorted(chip.glob("iio?device*")):
            for channel in CHANNELS:
                name = read_text(folder / f"rail_name_{channel}")
                if name and UNUSED not in name.split("_"):
                    yield _rail(chip, folder, channel, name)


def _rail(chip: Path, folder: Path, channel: int, name: str) -> Rail:
    mohm = _cell(chip / "of_node" / f"channel@{channel}" / "ti,shunt-resistor-mohm")
    return Rail(
        name=name,
        volts=NumberFile(folder / f"in_voltage{channel}_input", patient=True),
        current=None,
        power=NumberFile(folder / f"in_power{channel}_input", patient=True),
        shunt_ohm=mohm * 1e-3 if mohm else None,
        update_ms=_update_ms(chip, folder),
    )


def _update_ms(chip: Path, folder: Path) -> float | None:
    """In continuous mode the chip renews by itself; in triggered mode each reading is a conversion."""
    continuous = read_text(folder / "running_mode") == "1"
    config = _cell(chip / "of_node" / ("ti,continuous-config" if continuous else "ti,trigger-config"))
    return update_ms(config) if config else None


def _cell(path: Path) -> int | None:
    try:
        cell = path.read_bytes()
    except OSError:
        return None
    return int.from_bytes(cell, "big") if len(cell) == 4 else None
