"""Trials as results, ready to be ranked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.contract.documents import BudgetLine, Result
from telemetry.contract.ranking import Ranking

N = 1000


def packed(hits: NDArray[np.bool_]) -> str:
    return np.packbits(hits, bitorder="little").tobytes().hex()


def first_hits(k: int) -> NDArray[np.bool_]:
    return np.arange(N) < k


def trial(model: str, index: int = 0, energy_j: float = 1000.0, **more: Any) -> Result:
    """A measured trial of 1,000 images, 80 % right, with 1 % of independent and 3 % of shared uncertainty."""
    fields: dict[str, Any] = {
        "node": "tx2-1",
        "window": f"{model}-{index}",
        "kind": "trial",
        "stream": "main",
        "begin": 0,
        "end": 1,
        "state": "valid",
        "device": "jetson-tx2",
        "power_mode": "MAXN",
        "dataset": "imagenet-1k",
        "origin": "measured",
        "sensor": "ina3221",
        "model": model,
        "precision": "fp16",
        "batch_size": 1,
        "energy_j": energy_j,
        "images": N,
        "j_per_1000": energy_j,
        "accuracy": 0.8,
        "accuracy_n": N,
        "accuracy_origin": "measured",
        "budget": (line("noise", 0.01 * energy_j), line("gain", 0.03 * energy_j, shared=True)),
    }
    return Result(**{**fields, **more})


def line(name: str, u_j: float, *, shared: bool = False) -> BudgetLine:
    return BudgetLine(name=name, u_j=u_j, shared=shared)


def trials(model: str, energies: list[float], **more: Any) -> list[Result]:
    return [trial(model, index, energy, **more) for index, energy in enumerate(energies)]


def better(ranking: Ranking, one: str, other: str) -> float:
    names = [row.model for row in ranking.rows]
    found = ranking.p_better[names.index(one)][names.index(other)]
    assert found is not None
    return found
