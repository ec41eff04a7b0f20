"""The whole study: twenty nodes for 72 hours from frames up, and many healthy soaks for the false alarms."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Literal

import anyio
import msgspec
import numpy as np

from analyzer.soak.assess import assess
from analyzer.soak.blocks import blocks_of
from analyzer.soak.series import Floats
from analyzer.soak.trend import slope_of
from studies.soak.line import Node, Outcome, run, run_documents
from studies.soak.truth import Injected, false_alarms, is_found
from studies.soak.windows import NOISE_J, material_of, memory
from telemetry.contract.soak import Drift, Frames, Soak, Verdict, Windows

HOURS = 72.0
FAULTY: tuple[tuple[Injected, ...], ...] = (
    (Injected("drift", size=2.0),),
    (Injected("drift", size=-1.5), Injected("silent", at=2200, minutes=25)),
    (Injected("step", at=2000, size=5.0),),
    (Injected("heating", size=3.0), Injected("throttled", at=3200, minutes=60)),
    (Injected("frozen", at=900, minutes=30), Injected("frozen", at=3000, minutes=12)),
    (Injected("clock_step", at=1500, size=3600.0),),
    (Injected("clock_step", at=2600, size=-90.0), Injected("throttled", at=700, minutes=15)),
    (Injected("rebooted", at=1200, minutes=6), Injected("rebooted", at=3600, minutes=3)),
    (Injected("restarted", at=1800), Injected("late", at=2400, minutes=90)),
    (
        Injected("step", at=3000, size=-4.0),
        Injected("frozen", at=500, minutes=20),
        Injected("silent", at=1000, minutes=10),
        Injected("rebooted", at=2000, minutes=5),
        Injected("late", at=3500, minutes=60),
    ),
)
HEALTHY = 10
FROM_FRAMES = ("node-10", "node-4", "node-6", "node-9", "node-2", "node-7", "node-11")
"""Every kind of fault, and a healthy one: from frames up a node takes minutes of computing."""
SEEDS = range(10_000, 10_600)
"""Of healthy nodes, one soak each."""
COVERED = 1000
SLOPE = 0.5
"""Percent a day, of the series whose intervals are counted."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One node: what was done, what of it was named, and what else was; from its frames up or its results."""

    level: Literal["frames", "results"]
    node: str
    faults: tuple[str, ...]
    missed: tuple[str, ...]
    alarms: tuple[str, ...]
    verdict: Verdict
    windows: Windows
    frames: Frames
    drift: tuple[Drift, ...]
    seconds: float
    peak_mib: tuple[float, ...]


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """How often the interval of a drift held the truth."""

    hours: float
    daily: bool
    repeats: int
    held: int


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """What came out. `alarms` are those of `healthy` soaks of healthy nodes; `open_soaks` did not pass."""

    hours: float
    judged: tuple[Judged, ...]
    healthy: int
    alarms: tuple[str, ...]
    open_soaks: int
    covered: tuple[Covered, ...]


def nodes() -> list[Node]:
    """The twenty nodes: half of them healthy."""
    faulty = [Node(f"node-{at + 1}", at + 1, faults) for at, faults in enumerate(FAULTY)]
    first = len(faulty) + 1
    return faulty + [Node(f"node-{at}", at, ()) for at in range(first, first + HEALTHY)]


def judge_node(node: Node, hours: float = HOURS) -> Judged:
    """One node from frames up, into a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = anyio.run(run, [node], hours, f"sqlite:///{folder}/store.sqlite")
    return _judged("frames", node, outcome)


def judge_results(chosen: Sequence[Node], hours: float = HOURS) -> list[Judged]:
    """All nodes in one store, their results drawn."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = anyio.run(run_documents, chosen, hours, f"sqlite:///{folder}/store.sqlite")
    return [_judged("results", node, outcome) for node in chosen]


def _judged(level: Literal["frames", "results"], node: Node, outcome: Outcome) -> Judged:
    soak = outcome.soaks[node.name]
    if soak.frames is None:
        raise RuntimeError(f"{node.name} has no ledger")
    return Judged(
        level=level,
        node=node.name,
        faults=tuple(map(str, node.faults)),
        missed=tuple(str(fault) for fault in node.faults if not is_found(fault, soak)),
        alarms=tuple(false_alarms(node.faults, soak)),
        verdict=soak.verdict,
        windows=soak.windows,
        frames=soak.frames,
        drift=soak.drift,
        seconds=outcome.seconds,
        peak_mib=tuple(outcome.peak_mib),
    )


def conduct(workers: int, tell: Callable[[str], None], from_frames: Sequence[str] = FROM_FRAMES) -> Study:
    """Runs all of it on so many processes; the same seeds give the same figures on any number."""
    judged = judge_results(nodes())
    tell(f"{len(judged)} nodes by their results: {judged[0].seconds:.0f} s")
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(judge_node, node) for node in nodes() if node.name in from_frames]
        for each in waiting:
            judged.append(each.result())
            tell(f"{judged[-1].node}: {judged[-1].verdict}, {judged[-1].seconds:.0f} s")
        alarms: list[str] = []
        open_soaks = 0
        for seed, soak in zip(SEEDS, pool.map(_healthy, SEEDS, chunksize=20), strict=True):
            alarms += [f"seed {seed}: {words}" for words in false_alarms((), soak)]
            open_soaks += soak.verdict != "pass"
    covered = [_covered(24.0, daily=False), _covered(HOURS, daily=False), _covered(HOURS, daily=True)]
    return Study(
        hours=HOURS,
        judged=tuple(judged),
        healthy=len(SEEDS),
        alarms=tuple(alarms),
        open_soaks=open_soaks,
        covered=tuple(covered),
    )


def _healthy(seed: int) -> Soak:
    return assess(material_of(seed, HOURS))


def _covered(hours: float, *, daily: bool) -> Covered:
    """Intervals of a known drift in noise with memory, with or without a daily cycle."""
    rng = np.random.default_rng(int(hours))
    t_s: Floats = np.arange(30.0, hours * 3600, 60.0)
    truth = SLOPE / 100 / 86_400
    held = 0
    for _ in range(COVERED):
        cycle = 0.01 * np.sin(2 * math.pi * t_s / 86_400 + rng.uniform(0, 6)) if daily else 0.0
        slope = slope_of(blocks_of(t_s, 1 + truth * t_s + cycle + memory(rng, len(t_s), NOISE_J)))
        held += slope is not None and slope.lo <= truth <= slope.hi
    return Covered(hours=hours, daily=daily, repeats=COVERED, held=held)
