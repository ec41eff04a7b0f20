"""The INA3221: three channels, each a shunt's voltage and the bus voltage behind it, in 13 bits.

Figures from its data sheet (Texas Instruments, SBOS576): bus step 8 mV, shunt step 40 µV, shunt offset at
most ±80 µV, gain errors at most 0.25 %, conversion times and averages as in `CONVERSION_US` and `AVERAGES`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from edge_node.power.sysfs import NumberFile

SHUNT_STEP_V = 40e-6
SHUNT_OFFSET_V = 80e-6
CHIP_GAIN = 0.0025
# Usual for current shunts; no board states its own (unverified).
SHUNT_TOLERANCE = 0.01
CONVERSION_US = (140, 204, 332, 588, 1100, 2116, 4156, 8244)
AVERAGES = (1, 4, 16, 64, 128, 256, 512, 1024)

# Limits become standard uncertainties as rectangular distributions (JCGM 100 4.3.7); the factor 2 is for
# current and voltage, whose gains multiply.
GAIN_UNCERTAINTY = math.sqrt((SHUNT_TOLERANCE**2 + 2 * CHIP_GAIN**2) / 3)


@dataclass(frozen=True)
class Rail:
    """One channel under its name. The power is a file of its own in mW, or `current` (mA) × `volts` (mV).

    `update_ms` is how long the chip averages before it renews the value; None where the system does not tell.
    """

    name: str
    volts: NumberFile
    current: NumberFile | None
    power: NumberFile | None
    shunt_ohm: float | None
    update_ms: float | None

    def read_w(self) -> float:
        """Watts now. Raises `SensorError`."""
        if self.power is not None:
            return self.power.read() * 1e-3
        if self.current is None:
            return math.nan
        return self.current.read() * self.volts.read() * 1e-6

    def close(self) -> None:
        """Closes the rail's files. Twice is once."""
        for file in (self.volts, self.current, self.power):
            if file is not None:
                file.close()


def step_w(volts: float, shunt_ohm: float) -> float:
    """How many watts one step of the current is: 8 mA at 5 mΩ. The voltage's own step is far smaller."""
    return volts * SHUNT_STEP_V / shunt_ohm


def offset_u_w(volts: float, shunt_ohm: float) -> float:
    """The shunt's offset as a standard uncertainty in watts."""
    return volts * SHUNT_OFFSET_V / shunt_ohm / math.sqrt(3)


def together(values: Iterable[float]) -> float:
    """Independent figures of rails that are added up."""
    return math.sqrt(sum(value * value for value in values))


def update_ms(config: int) -> float:
    """How long one round takes with this content of the configuration register.

    Every enabled channel is converted, shunt and bus, as often as it averages.
    """
    channels = (config >> 12 & 7).bit_count()
    conversion_us = CONVERSION_US[config >> 6 & 7] + CONVERSION_US[config >> 3 & 7]
    return channels * AVERAGES[config >> 9 & 7] * conversion_us / 1e3
