"""Windows of work as a simulation gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analyzer.fleet.course import Baseline, Course
from analyzer.fleet.signs import Sign
from telemetry.contract.documents import Result

MINUTE = 60 * 1_000_000_000


def window(at: int, j_per_1000: float = 5000.0, **fields: Any) -> Result:
    """The window that ends at minute `at`."""
    said: dict[str, Any] = {
        "node": "n1",
        "window": f"work/n1/cam/vit/{at}",
        "kind": "interval",
        "stream": "main",
        "app": "cam",
        "model": "vit",
        "begin": (at - 1) * MINUTE,
        "end": at * MINUTE,
        "state": "valid",
        "leads": True,
        "busy": 0.95,
        "device": "jetson",
        "software": "1.4",
        "manifest_hash": "h1",
        **fields,
    }
    return Result(j_per_1000=j_per_1000, **said)


def energies(seed: int, count: int, spread: float = 0.02) -> Iterator[float]:
    """J for 1,000 images of a healthy node, with a heavy tail: one window in fifty is far off."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, spread, count) + (rng.random(count) < 0.02) * rng.normal(0, 5 * spread, count)
    return iter((5000 * np.exp(noise)).tolist())


def course() -> Course:
    return Course(Baseline(node="n1", app="cam", model="vit", stream="main"), 5.0)


def signs_of(
    watched: Course, values: Iterator[float], first: int = 1, **fields: Any
) -> list[tuple[int, Sign]]:
    """The signs of windows with these energies, each with the minute of its window."""
    told = ((at, watched.take(window(at, value, **fields))) for at, value in enumerate(values, first))
    return [(at, sign) for at, sign in told if sign is not None]
