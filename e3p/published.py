"""Published accuracies of timm models, from the packaged table (e3p/data/models)."""

from __future__ import annotations

import csv
from pathlib import Path

IMAGENET_VALIDATION = 50_000
"""Images that a published Top-1 on ImageNet-1K rests on."""


def accuracy_refs(models: list[str]) -> dict[str, dict[str, object]]:
    """What is published of these models' Top-1 on ImageNet-1K, as a trial's `accuracy_ref`."""
    table = Path(__file__).with_name("data") / "models" / "timm_candidates.csv"
    with table.open(encoding="utf-8", newline="") as lines:
        top1 = {row["timm_name"]: float(row["top1_imagenet1k"]) / 100 for row in csv.DictReader(lines)}
    return {
        model: {"value": top1[model], "n": IMAGENET_VALIDATION, "origin": "timm"}
        for model in models
        if model in top1
    }
