"""Drift and change points of each figure of a soak, in the units in which budgets are said. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.soak.blocks import Blocks, blocks_of, noise_of
from analyzer.soak.series import Series
from analyzer.soak.steps import Step, steps_of
from analyzer.soak.trend import slope_of
from analyzer.work import Z95
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak import Change, Compared, Drift, Metric
from telemetry.contract.soak_plan import DAY_S, LEAST_WINDOWS

LEVEL_UNITS: dict[Metric, str] = {"j_per_image": "J", "latency_ms": "ms", "temp_c": "°C"}
MEDIAN = math.sqrt(math.pi / 2)
"""How much wider than a mean's the spread of a median of normal values is."""


class Figure(NamedTuple):
    """What became of one figure."""

    drift: Drift | None
    changes: list[Change]


def figure_of(series: Series, metric: Metric) -> Figure:
    """The drift and the steps of one figure, over the windows that can be compared."""
    values = series.values(metric)
    chosen = series.compared & np.isfinite(values)
    if chosen.sum() < LEAST_WINDOWS:
        return Figure(None, [])
    blocks = blocks_of(series.t_s[chosen], values[chosen])
    steps = steps_of(blocks)
    level = float(np.median(values[chosen]))
    unit, scale = ("°C", 1.0) if metric == "temp_c" else ("%", 100 / level if level else math.nan)
    changes = [_change(series, blocks, step, (metric, unit, scale)) for step in steps]
    slope = slope_of(blocks, tuple(step.at for step in steps))
    if slope is None or not math.isfinite(scale):
        return Figure(None, changes)
    per_day = scale * DAY_S
    drift = Drift(
        metric=metric,
        unit=f"{unit} per day",
        per_day=slope.value * per_day,
        lo=slope.lo * per_day if math.isfinite(slope.lo) else None,
        hi=slope.hi * per_day if math.isfinite(slope.hi) else None,
        level=level,
        level_u95=_level_u95(blocks),
        level_unit=LEVEL_UNITS[metric],
        windows=int(chosen.sum()),
        blocks=len(blocks),
        correlation=slope.correlation,
        seasonal=blocks.is_seasonal,
    )
    return Figure(drift, changes)


def compare(now: Drift, before: Drift, soak: str) -> Compared:
    """The level of a figure against that in an earlier soak of the same node; the sensor's gain cancels."""
    ratio = now.level / before.level
    relative = math.hypot(now.level_u95 / now.level, before.level_u95 / before.level)
    return Compared(
        soak=soak,
        metric=now.metric,
        before=before.level,
        now=now.level,
        percent=100 * (ratio - 1),
        lo=100 * (ratio * (1 - relative) - 1),
        hi=100 * (ratio * (1 + relative) - 1),
    )


def _change(series: Series, blocks: Blocks, step: Step, units: tuple[Metric, str, float]) -> Change:
    metric, unit, scale = units
    middle_s = (blocks.t_s[step.at - 1] + blocks.t_s[step.at]) / 2
    return Change(
        metric=metric,
        unit=unit,
        at=series.slots.begin + int(middle_s * NS_PER_S),
        step=step.size * scale,
        lo=min(step.lo * scale, step.hi * scale),
        hi=max(step.lo * scale, step.hi * scale),
    )


def _level_u95(blocks: Blocks) -> float:
    """The 95 % uncertainty of the middle, by the spread and the memory of the blocks around it."""
    spread, rho = noise_of(blocks)
    return Z95 * MEDIAN * spread * math.sqrt((1 + rho) / (1 - rho) / len(blocks))
