"""Scores and joint draws of the configurations of one table, seeded by what they rest on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.configurations import Configuration, gather
from analyzer.draws import Scatter, draw_accuracies, draw_log_energies, pooled_scatter
from analyzer.regret import INTERVAL
from analyzer.sam import DEFAULT_A, DEFAULT_B, DEFAULT_UNIT, ScoreUndefined, in_unit, sam
from telemetry.contract.documents import Result
from telemetry.contract.ranking import RefusedModel

Floats = NDArray[np.float64]

# Long tables get fewer draws, so that ranking ten thousand trials stays a matter of a second or two.
DRAWS = 10_000
FEWEST_DRAWS = 1_500
DRAWS_IN_ALL = 5_000_000
SEEDED = (
    "node",
    "window",
    "energy_j",
    "energy_u95_j",
    "energy_u95_comparable_j",
    "j_per_1000",
    "images",
    "budget",
    "accuracy",
    "accuracy_n",
    "accuracy_origin",
    "subset",
    "hits",
)


@dataclass(frozen=True)
class Score:
    """How a ranking scores: SAM's `a` and `b`, and the unit of energy for 1,000 images.

    Raises:
        ScoreUndefined: an `a` or `b` that is not above 0, or an unknown unit.
    """

    a: float = DEFAULT_A
    b: float = DEFAULT_B
    unit: str = DEFAULT_UNIT

    def __post_init__(self) -> None:
        for name, value in (("a", self.a), ("b", self.b)):
            if not (isfinite(value) and value > 0):
                raise ScoreUndefined(f"SAM needs {name} above 0, not {value:g}")
        in_unit(1.0, self.unit)


@dataclass(frozen=True)
class Pool:
    """What may stand in one table: its configurations, how their trials vary, and what was refused."""

    configurations: Sequence[Configuration]
    scatter: Scatter
    refused: Sequence[RefusedModel]


@dataclass(frozen=True)
class Scored:
    """Configurations with a score, best first, and the draws of each: rows × draws.

    `undefined` are those whose energy is too small for a score.
    """

    configurations: Sequence[Configuration]
    values: Sequence[float]
    sams: Floats
    log_energies: Floats
    accuracies: Floats
    undefined: Sequence[RefusedModel]


def pooled(trials: Iterable[Result], excluded: Mapping[str, str]) -> Pool:
    """Return one group's trials as configurations; `excluded` maps a trial's id to the reason."""
    configurations, refused = gather(trials, excluded)
    return Pool(configurations, pooled_scatter(configurations), refused)


def score_together(pools: Sequence[Pool], score: Score) -> list[Scored]:
    """Return each table's scores from joint draws: what two devices know of one accuracy, both know alike.

    Energies of two tables are independent. The same trials give the same draws.
    """
    rows = [each for pool in pools for each in pool.configurations]
    rng = np.random.default_rng(_seed(rows, score))
    draws = int(np.clip(DRAWS_IN_ALL // max(len(rows), 1), FEWEST_DRAWS, DRAWS))
    logs = [draw_log_energies(pool.configurations, pool.scatter, rng, draws) for pool in pools]
    accuracies = draw_accuracies(rows, rng, draws)
    scored, first = [], 0
    for pool, drawn in zip(pools, logs, strict=True):
        last = first + len(pool.configurations)
        in_unit_of_score = drawn + np.log(in_unit(1.0, score.unit))
        scored.append(_scored(pool.configurations, in_unit_of_score, accuracies[first:last], score))
        first = last
    return scored


def _scored(
    configurations: Sequence[Configuration], logs: Floats, accuracies: Floats, score: Score
) -> Scored:
    near_one = np.count_nonzero(logs <= 0.0, axis=1) / logs.shape[1]
    values: dict[int, float] = {}
    undefined = []
    for at, configuration in enumerate(configurations):
        try:
            values[at] = _value(configuration, near_one[at], score)
        except ScoreUndefined as error:
            undefined.append(RefusedModel(model=configuration.key[0], reason=str(error)))
    order = sorted(values, key=lambda at: (-values[at], configurations[at].key))
    return Scored(
        [configurations[at] for at in order],
        [values[at] for at in order],
        _sams(accuracies[order], logs[order], score),
        logs[order],
        accuracies[order],
        undefined,
    )


def _seed(configurations: Sequence[Configuration], score: Score) -> int:
    """Return a hash of what the draws rest on: a new temperature or clock offset shakes no number."""
    trials = [[getattr(trial, name) for name in SEEDED] for row in configurations for trial in row.trials]
    inputs = msgspec.msgpack.encode([score.a, score.b, score.unit, trials])
    return int.from_bytes(hashlib.sha256(inputs).digest()[:8], "big")


def _value(configuration: Configuration, near_one: float, score: Score) -> float:
    """Return SAM at the pooled accuracy and the mean energy; `near_one`: P(energy ≤ 1 unit).

    Raises:
        ScoreUndefined: the energy is 1 unit or less, or its interval reaches that far.
    """
    value = sam(configuration.accuracy, in_unit(configuration.mean_j, score.unit), score.a, score.b)
    if near_one >= INTERVAL[0]:
        raise ScoreUndefined(f"the energy's interval reaches 1 {score.unit}: choose a smaller unit")
    return value


def _sams(accuracies: Floats, log_energies: Floats, score: Score) -> Floats:
    """Return SAM for each draw; beyond the singularity at 1 unit it stays at its limit, infinity."""
    sams = np.full(log_energies.shape, np.inf)
    scaled = score.b * np.log(10.0) * accuracies**score.a
    return np.asarray(np.divide(scaled, log_energies, out=sams, where=log_energies > 0.0))


def energies(logs: Floats) -> Floats:
    """Return energies from their logarithms, in the score's unit; no draw overflows."""
    return np.asarray(np.exp(np.clip(logs, -500, 500)))


def interval(table: Floats) -> tuple[Floats, Floats]:
    """Return both ends of each row's 95 % interval: the nearest draws, since infinities do not mix."""
    places = [round(share * (table.shape[1] - 1)) for share in INTERVAL]
    ends = np.partition(table, places, axis=1)[:, places]
    return ends[:, 0], ends[:, 1]
