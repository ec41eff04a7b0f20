"""The recorded devices that come with e3p, and what was officially said of their energy."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

DEVICES = {"Orin": "jetson-agx-orin", "Xavier": "jetson-xavier-nx"}


class Recorded(NamedTuple):
    """One run of MLPerf Inference v2.0: its meter's log, its window as the log writes it, its energy."""

    node: str
    device: str
    log: Path
    begin: str
    end: str
    official_j: float


def recorded_runs() -> list[Recorded]:
    """The runs in e3p/data/recordings."""
    folder = Path(__file__).with_name("data") / "recordings"
    with (folder / "runs.csv").open(encoding="utf-8", newline="") as lines:
        return [_run(row, folder) for row in csv.DictReader(lines)]


def _run(row: dict[str, str], folder: Path) -> Recorded:
    family = row["system"].split("_")[0]
    return Recorded(
        node=f"recorded-{DEVICES[family]}",
        device=DEVICES[family],
        log=folder / row["file"],
        begin=row["power_begin"],
        end=row["power_end"],
        official_j=float(row["energy_j"]),
    )
