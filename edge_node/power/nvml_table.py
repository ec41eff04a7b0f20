"""How NVIDIA's GPUs measure their power: a table by architecture, and what it says of one GPU.

`nvml_table.csv` is the summary of "Part-time Power Measurements" (arXiv 2312.02741, the file
Overall_Results.xlsx of its repository JimZeyuYang/GPU_Power_Benchmark at 4b5c944): for each architecture and
driver how often the value is renewed, and over how much of that time it is a mean. Pure but for the table.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

TABLE = Path(__file__).with_name("nvml_table.csv")
# What the table says of most, taken for those that it does not know.
USUAL_PERIOD_MS = 100.0
# NVIDIA's own words of nvmlDeviceGetPowerUsage: "On Ampere (except GA100) or newer GPUs, the API returns
# power averaged over 1 sec interval."
AVERAGE_MS = 1000.0

Field = Literal["instant", "average", "draw"]

# The driver with which nvidia-smi, and the table, began to tell the two apart.
_TURN = 530
# NVML's numbers (NVML_DEVICE_ARCH_…) and the table's names.
_KEPLER, _VOLTA, _AMPERE = 2, 5, 7
_ARCHITECTURES = {
    2: "Kepler 2.0",
    3: "Maxwell 1.0/2.0",
    4: "Pascal",
    5: "Volta",
    6: "Turing",
    7: "Ampere (not GA100; incl. RTX 30xx)",
    8: "Ada Lovelace",
    9: "Hopper/GH100",
}
_NAMES = {2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere", 8: "Ada Lovelace"}
_NAMES |= {9: "Hopper", 10: "Blackwell"}
_GA100 = "GA100 (A100)"
_KEPLER_1 = "Kepler 1.0"


class Row(NamedTuple):
    """One line of the table; None is what the study could not see."""

    architecture: str
    era: str
    field: str
    period_ms: float | None
    averaging_ms: float | None
    response: str


class Response(NamedTuple):
    """How often a reading is renewed, over what it is averaged (None: not known), and who says so."""

    period_ms: float
    averaging_ms: float | None
    source: str


@cache
def rows() -> tuple[Row, ...]:
    """The table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(
                line["architecture"],
                line["option_era"],
                line["field"],
                _number(line["update_period_ms"]),
                _number(line["averaging_window_ms"]),
                line["response"],
            )
            for line in csv.DictReader(file)
        )


def architecture_name(architecture: int) -> str:
    """NVML's number in words."""
    return _NAMES.get(architecture, f"architecture {architecture}")


def response(architecture: int, capability: tuple[int, int], driver: str, field: Field) -> Response:
    """What the table says of a GPU and driver (such as `535.104.05`), or what is usual where it is silent.

    `instant` is field 186, `average` 185, `draw` is nvmlDeviceGetPowerUsage.
    """
    row = _row(_table_name(architecture, capability), _era(driver), field)
    if row is not None and row.period_ms is not None:
        return Response(row.period_ms, row.averaging_ms, "measured by arXiv 2312.02741")
    if field == "average" or (field == "draw" and architecture >= _AMPERE and capability != (8, 0)):
        return Response(USUAL_PERIOD_MS, AVERAGE_MS, "as NVIDIA documents it")
    return Response(USUAL_PERIOD_MS, None, "not in our table: its averaging is unknown")


def has_counter(architecture: int) -> bool:
    """Whether the GPU counts its energy: Volta and newer do."""
    return architecture >= _VOLTA


def _row(architecture: str | None, era: str, field: Field) -> Row | None:
    of_it = [row for row in rows() if row.architecture == architecture and row.era in (era, "all")]
    exact = [row for row in of_it if row.field == f"power.draw.{field}"]
    shared = [row for row in of_it if row.field == "power.draw / instant" and field != "average"]
    plain = [row for row in of_it if row.field == "power.draw"] if field == "draw" else []
    return next(iter([*exact, *shared, *plain]), None)


def _table_name(architecture: int, capability: tuple[int, int]) -> str | None:
    if capability == (8, 0):
        return _GA100
    if architecture == _KEPLER and capability < (3, 5):
        return _KEPLER_1
    return _ARCHITECTURES.get(architecture)


def _era(driver: str) -> str:
    major = driver.split(".", maxsplit=1)[0]
    number = int(major) if major.isdigit() else _TURN + 1
    if number == _TURN:
        return "530 driver"
    return "pre-530 driver" if number < _TURN else "post-530 driver"


def _number(text: str) -> float | None:
    return float(text) if text else None
