"""Change points: moments from which a figure is another, beside a drift and a daily cycle. Pure.

A line, two waves of a day (in soaks of two days or more) and steps are fitted to the blocks. A step is added
where it explains most, then every step is moved to its best place again (binary segmentation with
refinement), as long as the best one stands out by `THRESHOLD` standard deviations of what noise of the same
spread and correlation does. With 288 blocks pure noise reaches that in less than one series of a thousand:
docs/soak.md has the rate that was found.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.soak.blocks import Blocks, noise_of
from analyzer.soak.series import Floats
from analyzer.work import Z95
from telemetry.contract.soak_plan import DAY_S

THRESHOLD = 6.0
ALONE = 4
"""Blocks on each side of a step: fewer are an episode, and no change."""
LEAST_BLOCKS = 36
"""With fewer blocks their noise is not known well enough to tell a step from it."""
MOST_STEPS = 12
REFINED = 2


class Step(NamedTuple):
    """A step before block number `at`: its size and 95 % interval."""

    at: int
    size: float
    lo: float
    hi: float


def steps_of(blocks: Blocks) -> list[Step]:
    """The steps of a series, in order."""
    spread, rho = noise_of(blocks)
    if len(blocks) < LEAST_BLOCKS or not spread > 0:
        return []
    scale = spread * math.sqrt((1 + rho) / (1 - rho))
    smooth = _smooth(blocks)
    found: list[int] = []
    while len(found) < MOST_STEPS:
        at, score = _best(blocks.y, smooth, found)
        if score < THRESHOLD * scale:
            break
        found = _refined(blocks.y, smooth, [*found, at])
    return _sized(blocks.y, smooth, sorted(found), scale)


def _smooth(blocks: Blocks) -> Floats:
    """What is fitted beside steps, as columns: a level, a line, and two waves of a day."""
    t = blocks.t_s / DAY_S
    columns = [np.ones_like(t), t - t.mean()]
    if blocks.is_seasonal:
        for wave in (1, 2):
            columns += [np.sin(2 * math.pi * wave * t), np.cos(2 * math.pi * wave * t)]
    return np.column_stack(columns)


def _columns(steps: list[int], length: int) -> Floats:
    return (np.arange(length)[:, None] >= np.array(steps, int)[None, :]).astype(float)


def _best(y: Floats, smooth: Floats, found: list[int]) -> tuple[int, float]:
    """The place where one more step explains most, and its score: its size, times the norm of its sight."""
    length = len(y)
    places = [
        at for at in range(ALONE, length - ALONE + 1) if all(abs(at - other) >= ALONE for other in found)
    ]
    if not places:
        return 0, 0.0
    base, _ = np.linalg.qr(np.hstack([smooth, _columns(found, length)]))
    rest = y - base @ (base.T @ y)
    steps = _columns(places, length)
    own = steps - base @ (base.T @ steps)
    norm = np.sqrt((own**2).sum(0))
    scores = np.abs(own.T @ rest) / np.where(norm > 1e-6, norm, np.inf)
    best = int(np.argmax(scores))
    return places[best], float(scores[best])


def _refined(y: Floats, smooth: Floats, found: list[int]) -> list[int]:
    """Every step at the best place that the others leave it."""
    for _ in range(REFINED):
        for at in found:
            others = [other for other in found if other != at]
            found = [*others, _best(y, smooth, others)[0]]
    return found


def _sized(y: Floats, smooth: Floats, found: list[int], scale: float) -> list[Step]:
    if not found:
        return []
    model = np.hstack([smooth, _columns(found, len(y))])
    sizes = np.linalg.lstsq(model, y, rcond=None)[0][-len(found) :]
    variances = np.diag(np.linalg.pinv(model.T @ model))[-len(found) :]
    halves = Z95 * scale * np.sqrt(variances)
    return [
        Step(at, float(size), float(size - half), float(size + half))
        for at, size, half in zip(found, sizes, halves, strict=True)
    ]
