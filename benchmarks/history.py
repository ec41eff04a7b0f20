"""The cost of one window against the history that is stored beside it."""

from __future__ import annotations

import tempfile

import anyio

from analyzer.desk import Desk
from analyzer.query import energy_of
from benchmarks import made
from benchmarks.harness import Cost, Effort, Figure, aiming, costs_of, figure, per_item
from benchmarks.trials import MARKS, TRIAL_NS, begin_of, frames_of, name_of
from telemetry.store.open import opened_store

TITLE = (
    "One node with 10, 100 and 1,000 stored trials of 10 s at 200 Hz × 4. `the analyzer` computes the "
    "trial in the middle from what is stored, as it does when a trial ends; `e3p energy` is asked for the "
    "same ten seconds."
)
SIZES = (10, 100, 1_000)
NAMES = (
    *(f"history.trial_{size}" for size in SIZES),
    "history.trial_growth",
    *(f"history.energy_{size}" for size in SIZES),
    "history.energy_growth",
)
TARGET_GROWTH = 1.25
MILLISECONDS = per_item(1, "ms", 1e3)


def run(effort: Effort) -> list[Figure]:
    """The times at each size, and how much a hundred times the history adds."""
    sizes = (2, 3, 4) if effort.quick else SIZES
    rounds = effort.pick(15, 1)
    taken = [anyio.run(_measured, size, rounds) for size in sizes]
    figures = []
    for at, (name, what) in enumerate((("trial", "the analyzer"), ("energy", "`e3p energy`"))):
        for label, costs in zip(SIZES, taken, strict=True):
            words = f"{what}, {label:,} trials stored"
            figures.append(figure(f"history.{name}_{label}", words, MILLISECONDS, costs[at]))
        # From CPU time: what other programs do meanwhile must not look like growth.
        growth = (figures[-1].cpu or 0.0) / (figures[-len(SIZES)].cpu or 1.0)
        grown = Figure(
            name=f"history.{name}_growth", what=f"{what}, growth from 10 to 1,000", value=growth, unit="times"
        )
        figures.append(aiming(grown, TARGET_GROWTH))
    return figures


async def _measured(trials: int, rounds: int) -> list[list[Cost]]:
    """The costs of both questions about the trial in the middle."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        async with opened_store(f"sqlite:///{folder}/store.db") as store:
            for number in range(trials):
                await store.write(frames_of(number))
            desk = Desk(store, MARKS.node)
            await desk.hear({a.key: a.stored for a in await store.accounts()}, 0.0)
            trial = desk.notebook.trial(name_of(trials // 2))
            assert trial is not None
            begin = made.ANCHOR + begin_of(trials // 2)
            return [
                await costs_of(lambda: desk.compute(trial), rounds),
                await costs_of(lambda: energy_of(store, MARKS.node, begin, begin + TRIAL_NS), rounds),
            ]
