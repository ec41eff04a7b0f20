"""What is published of timm models, from the packaged table (e3p/data/models), and tables of one's own."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.contract.errors import UserError

if TYPE_CHECKING:
    from analyzer.candidates import Candidate

IMAGENET_VALIDATION = 50_000
"""Images that a published Top-1 on ImageNet-1K rests on."""

TABLE = Path(__file__).with_name("data") / "models" / "timm_candidates.csv"


def candidates(file: Path | None = None) -> list[Candidate]:
    """The packaged table's candidates, or those of a CSV file. Raises `UserError` naming file and line."""
    known = published() if file else {}
    table = file or TABLE
    from analyzer.candidates import read_candidates

    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            header = reader.fieldnames or []
            return read_candidates(header, [(reader.line_num, row) for row in reader], str(table), known)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"--candidates {table}: {why}; a CSV file in UTF-8 is expected") from None


def published() -> dict[str, Candidate]:
    """The packaged table by model, each at its smallest image size: the one it was trained at and runs at."""
    by_size = sorted(candidates(), key=lambda each: -(each.image_size or 0))
    return {each.model: each for each in by_size}


def netscores() -> dict[str, float]:
    """The NetScore of every published model."""
    from analyzer.sam import netscore

    return {
        model: netscore(each.top1_percent, each.params_m, each.macs_g) for model, each in published().items()
    }


def accuracy_refs(models: list[str]) -> dict[str, dict[str, object]]:
    """What is published of these models' Top-1 on ImageNet-1K, as a trial's `accuracy_ref`."""
    known = published()
    return {
        model: {"value": known[model].top1_percent / 100, "n": IMAGENET_VALIDATION, "origin": "timm"}
        for model in models
        if model in known
    }
