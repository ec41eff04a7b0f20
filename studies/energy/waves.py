"""What runs: families of loads with parameters drawn once for a cell, and a course drawn anew each repeat.

The trial is the time from 0 to its length. Before it the device idles, or warms up with the same load and
waits a moment; after it the power decays to idle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_node.power import ptdaemon
from studies.energy.truth import Floats, Truth

RECORDED = Path(__file__).parents[2] / "tests" / "data" / "mlperf-power-v2.0"
# How much is known of the power around the trial, seconds.
AROUND_S = 4.0


class Levels(NamedTuple):
    """Watts of one device: at rest, and the range of what loads draw."""

    idle_w: float
    least_w: float
    most_w: float


class Run(NamedTuple):
    """One trial's truth: its power, and when its batches began (s)."""

    power: Truth
    batches_s: Floats


Course = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Load:
    """One family with parameters: `course` draws edges, left and right watts of [begin, end]."""

    family: str
    length_s: float
    idle_w: float
    batch_s: float
    batch_cv: float
    is_warm: bool
    wait_s: float
    decay_s: float
    course: Callable[[np.random.Generator, float, float, Floats], Course]

    def draw(self, rng: np.random.Generator) -> Run:
        """The truth of one repeat."""
        batches = self._batches(rng, 0.0, self.length_s)
        parts = [self._before(rng), self.course(rng, 0.0, self.length_s, batches)]
        edges = np.concatenate([part[0] for part in parts])
        left = np.concatenate([part[1] for part in parts])
        right = np.concatenate([part[2] for part in parts])
        tail_s = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0]) * self.decay_s
        tail_w = self.idle_w + (right[-1] - self.idle_w) * np.exp(-np.append(0.0, tail_s) / self.decay_s)
        tail_w[-1] = self.idle_w
        edges = np.concatenate(
            (edges, self.length_s + np.append(0.0, tail_s), [self.length_s + AROUND_S + 1])
        )
        left = np.concatenate((left, tail_w[:-1], [self.idle_w]))
        right = np.concatenate((right, tail_w[1:], [self.idle_w]))
        return Run(Truth.of(edges, left, right), batches[:-1])

    def _before(self, rng: np.random.Generator) -> Course:
        if not self.is_warm:
            return np.array([-AROUND_S]), np.array([self.idle_w]), np.array([self.idle_w])
        stop = -self.wait_s
        edges, left, right = self.course(rng, -AROUND_S, stop, self._batches(rng, -AROUND_S, stop))
        idle = np.array([self.idle_w])
        return np.append(edges, stop), np.append(left, idle), np.append(right, idle)

    def _batches(self, rng: np.random.Generator, begin: float, end: float) -> Floats:
        """Begins of batches and the end of the last; each takes a little longer or shorter than others."""
        count = max(1, round((end - begin) / self.batch_s))
        lengths = np.maximum(1.0 + self.batch_cv * rng.standard_normal(count), 0.3)
        return begin + np.append(0.0, np.cumsum(lengths) / lengths.sum()) * (end - begin)


def _constant(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    watts = rng.uniform(levels.least_w, levels.most_w)
    return lambda _rng, begin, _end, _batches: (np.array([begin]), np.array([watts]), np.array([watts]))


def _bursts(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    """High while a batch computes, low while the next one is fetched."""
    high = rng.uniform(0.5 * (levels.least_w + levels.most_w), levels.most_w)
    low = rng.uniform(levels.idle_w, 0.6 * high)
    duty = rng.uniform(0.3, 0.9)

    def course(rng: np.random.Generator, _begin: float, _end: float, batches: Floats) -> Course:
        lengths = np.diff(batches)
        stops = batches[:-1] + lengths * np.clip(duty + 0.02 * rng.standard_normal(len(lengths)), 0.05, 0.95)
        edges = np.column_stack((batches[:-1], stops)).ravel()
        tops = high * (1 + 0.02 * rng.standard_normal(len(lengths)))
        watts = np.column_stack((tops, np.full(len(lengths), low))).ravel()
        return edges, watts, watts

    return course


def _ramps(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    """Up and down between turning points."""
    share = rng.uniform(0.1, 0.6)

    def course(rng: np.random.Generator, begin: float, end: float, _batches: Floats) -> Course:
        count = max(2, round(1 / share))
        at = begin + np.append(0.0, np.cumsum(rng.dirichlet(np.full(count, 8.0)))) * (end - begin)
        watts = rng.uniform(levels.least_w, levels.most_w, count + 1)
        return at[:-1], watts[:-1], watts[1:]

    return course


def _drift(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    """Leakage grows with temperature, e^(-t/τ); batches ripple a little on top."""
    watts, rise = rng.uniform(levels.least_w, 0.85 * levels.most_w), rng.uniform(0.03, 0.15)
    tau, ripple = rng.uniform(3.0, 60.0), rng.uniform(0.0, 0.05)

    def course(_rng: np.random.Generator, _begin: float, _end: float, batches: Floats) -> Course:
        middles = (batches[:-1] + batches[1:]) / 2
        edges = np.column_stack((batches[:-1], middles)).ravel()
        swing = 1 + ripple * np.where(np.arange(len(edges)) % 2, -1.0, 1.0)
        warm = 1 + rise * (1 - np.exp(-np.maximum(np.append(edges, batches[-1]), 0) / tau))
        return edges, watts * swing * warm[:-1], watts * swing * warm[1:]

    return course


def _telegraph(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    """Two levels, each for a time that nobody can foresee."""
    high = rng.uniform(0.5 * (levels.least_w + levels.most_w), levels.most_w)
    low = rng.uniform(levels.idle_w, 0.7 * high)
    dwell_s = 10 ** rng.uniform(-1.5, 0.3)

    def course(rng: np.random.Generator, begin: float, end: float, _batches: Floats) -> Course:
        count = int((end - begin) / dwell_s * 1.5 + 20)
        edges = begin + np.append(0.0, np.cumsum(rng.exponential(dwell_s, count)))
        edges = edges[edges < end]
        watts = np.where((np.arange(len(edges)) + rng.integers(2)) % 2, high, low)
        return edges, watts, watts

    return course


def _recorded(rng: np.random.Generator, levels: Levels) -> Callable[..., Course]:
    """A stretch of a real log between its readings of one a second, scaled to the device."""
    logs = recordings()
    seconds, watts = logs[int(rng.integers(len(logs)))]
    low, high = float(np.quantile(watts, 0.02)), float(np.quantile(watts, 0.98))
    scaled = levels.idle_w + (watts - low) / max(high - low, 1e-9) * (0.9 * levels.most_w - levels.idle_w)
    scaled = np.maximum(scaled, 0.2 * levels.idle_w)

    def course(rng: np.random.Generator, begin: float, end: float, _batches: Floats) -> Course:
        start = rng.uniform(0, seconds[-1] - (end - begin) - 1)
        inner = (seconds > start) & (seconds < start + end - begin)
        at = np.concatenate(([start], seconds[inner], [start + end - begin]))
        through = np.interp(at, seconds, scaled)
        return at[:-1] - start + begin, through[:-1], through[1:]

    return course


FAMILIES: dict[str, Callable[[np.random.Generator, Levels], Callable[..., Course]]] = {
    "constant": _constant,
    "bursts": _bursts,
    "ramps": _ramps,
    "drift": _drift,
    "telegraph": _telegraph,
    "recorded": _recorded,
}


def load_of(family: str, rng: np.random.Generator, levels: Levels, length_s: float) -> Load:
    """A load of that family, its parameters drawn."""
    longest = min(1.0, length_s / 8)
    return Load(
        family=family,
        length_s=length_s,
        idle_w=levels.idle_w * rng.uniform(0.9, 1.1),
        batch_s=float(np.exp(rng.uniform(np.log(0.02), np.log(longest)))),
        batch_cv=float(np.exp(rng.uniform(np.log(0.005), np.log(0.08)))),
        is_warm=bool(rng.integers(2)),
        wait_s=rng.uniform(0.005, 0.3),
        decay_s=rng.uniform(0.005, 0.15),
        course=FAMILIES[family](rng, levels),
    )


@cache
def recordings() -> tuple[tuple[Floats, Floats], ...]:
    """Seconds and watts of each recorded log, without the meter's error values."""
    found = []
    for path in sorted(RECORDED.glob("*.spl.txt")):
        log = ptdaemon.read(path)
        times, watts = np.array(log.times_ns), np.array(log.watts)
        good = np.isfinite(watts)
        seconds = (times[good] - times[good][0]) / 1e9
        rises = np.append(True, np.diff(seconds) > 1e-3)
        found.append((seconds[rises], watts[good][rises]))
    return tuple(found)
