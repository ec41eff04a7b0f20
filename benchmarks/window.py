"""The energy of one window of a million samples, once its frames are fetched."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analyzer.assemble import interval_results
from analyzer.evidence import Evidence, Power
from analyzer.span import Holes
from benchmarks import made
from benchmarks.harness import Effort, Figure, aiming, alternate, compare, per_item
from telemetry.contract.documents import Result

TITLE = (
    "From the frames as the store gives them to the result: joined, integrated with interpolated edges, "
    "gaps found, every line of the uncertainty budget, plausibility flags. The plain loop integrates the "
    "total channel and does nothing else; so does numpy's trapezoid, on columns that were joined before."
)
NAMES = ("window.million", "window.numpy")
TARGET_MS = 50.0
MILLISECONDS = per_item(1, "ms", 1e3)


def run(effort: Effort) -> list[Figure]:
    """Our result against a loop over the same million samples, and against numpy's bare trapezoid."""
    frames = effort.pick(4_000, 40)
    power = Power(
        "main", tuple((made.ANCHOR, made.power(seq)) for seq in range(frames)), Holes(), reported=True
    )
    evidence = Evidence(manifest=None, power=(power,), clock=(), health=())
    end = made.ANCHOR + (frames * made.SAMPLES - 1) * made.TICK
    rows = [row[:2] for _, frame in power.frames for row in made.rows_of(frame)]
    times, watts = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    def ours() -> Result:
        return interval_results("bench", made.ANCHOR, end, evidence)[0]

    _agree(ours(), loop_j(rows))
    costs = alternate(
        ours,
        lambda: loop_j(rows),
        lambda: float(np.sum((watts[1:] + watts[:-1]) * np.diff(times))),
        rounds=effort.rounds,
    )
    what = "a window of a million samples × 4"
    first = compare("window.million", what, MILLISECONDS, costs[:2], "a plain loop, energy alone")
    second = compare("window.numpy", what, MILLISECONDS, [costs[0], costs[2]], "numpy's trapezoid alone")
    return [aiming(first, TARGET_MS), second]


def loop_j(rows: list[tuple[float, ...]]) -> float:
    """The trapezoid as one writes it first."""
    energy = 0.0
    for (t0, w0), (t1, w1) in pairwise(rows):
        energy += (w0 + w1) / 2 * (t1 - t0) * 1e-9
    return energy


def _agree(result: Result, expected_j: float) -> None:
    assert result.energy_j is not None
    assert abs(result.energy_j - expected_j) < 1e-6 * expected_j
