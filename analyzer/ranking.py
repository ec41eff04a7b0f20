"""Ranking by SAM with intervals, probabilities and tie groups: one table for one group of trials."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.configurations import Configuration, gather
from analyzer.draws import Scatter, draw_accuracies, draw_log_energies, pooled_scatter
from analyzer.sam import DEFAULT_A, DEFAULT_B, DEFAULT_UNIT, ScoreUndefined, in_unit, sam
from telemetry.contract.documents import Ranking, RankingGroup, RankingRow, RefusedModel, Result

Floats = NDArray[np.float64]

# From this probability on, a row is beaten and not tied.
BEATEN = 0.95
INTERVAL = (0.025, 0.975)
DRAWS = 10_000
# Comparing every row with every other costs rows² × draws; very long tables get fewer draws.
FEWEST_DRAWS = 1_000
COMPARISONS = 400_000_000
NONE_EXCLUDED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Score:
    """How a ranking scores: SAM's `a` and `b`, and the unit of energy for 1,000 images."""

    a: float = DEFAULT_A
    b: float = DEFAULT_B
    unit: str = DEFAULT_UNIT


@dataclass(frozen=True)
class _Scored:
    """A configuration with its score and its draws of it."""

    configuration: Configuration
    sam: float
    sams: Floats
    energies: Floats


def group_of(trial: Result) -> RankingGroup:
    """Return the one table that a trial may stand in."""
    return RankingGroup(
        device=trial.device,
        power_mode=trial.power_mode,
        dataset=trial.dataset,
        origin=trial.origin,
        sensor=trial.sensor,
    )


def by_group(results: Iterable[Result]) -> dict[RankingGroup, list[Result]]:
    """Return the trials among the results, by the table they belong to."""
    groups: dict[RankingGroup, list[Result]] = defaultdict(list)
    for result in results:
        if result.kind == "trial" and result.model:
            groups[group_of(result)].append(result)
    return dict(groups)


def rank(
    trials: Sequence[Result], score: Score | None = None, excluded: Mapping[str, str] = NONE_EXCLUDED
) -> Ranking:
    """Return the ranking of one group's trials, each in its newest revision, in any order.

    `excluded` maps a trial's id to the reason why a person left it out. The same trials give the same
    ranking: the draws are seeded by a hash of them.

    Raises:
        ValueError: no trials, or trials of more than one group.
        ScoreUndefined: an unknown unit.
    """
    score = score or Score()
    groups = {group_of(trial) for trial in trials}
    if len(groups) != 1:
        raise ValueError(f"a ranking is of one group of trials, not of {len(groups)}")
    configurations, refused = gather(trials, excluded)
    scatter = pooled_scatter(configurations)
    scored, undefined = _score(configurations, scatter, score)
    beats = _probabilities([row.sams for row in scored])
    return Ranking(
        group=groups.pop(),
        a=score.a,
        b=score.b,
        unit=score.unit,
        rows=_rows(scored, beats, score),
        p_better=tuple(
            tuple(None if i == j else round(p, 5) for j, p in enumerate(line))
            for i, line in enumerate(beats.tolist())
        ),
        refused=tuple(refused + undefined),
        scatter=_rounded(scatter.relative) if scatter.dof else None,
        scatter_dof=scatter.dof,
    )


def _score(
    configurations: Sequence[Configuration], scatter: Scatter, score: Score
) -> tuple[list[_Scored], list[RefusedModel]]:
    """Return the configurations that have a score, best first, and those whose energy is too small."""
    if not configurations:
        return [], []
    rng = np.random.default_rng(_seed(configurations, score))
    draws = int(np.clip(COMPARISONS // len(configurations) ** 2, FEWEST_DRAWS, DRAWS))
    logs = draw_log_energies(configurations, scatter, rng, draws) + np.log(in_unit(1.0, score.unit))
    accuracies = draw_accuracies(configurations, rng, draws)
    scored, refused = [], []
    for configuration, log_energies, accuracy in zip(configurations, logs, accuracies, strict=True):
        try:
            value = _value(configuration, log_energies, score)
        except ScoreUndefined as error:
            refused.append(RefusedModel(model=configuration.key[0], reason=str(error)))
        else:
            sams = _sams(accuracy, log_energies, score)
            scored.append(_Scored(configuration, value, sams, np.exp(np.clip(log_energies, -500, 500))))
    scored.sort(key=lambda row: (-row.sam, row.configuration.key))
    return scored, refused


def _seed(configurations: Sequence[Configuration], score: Score) -> int:
    """Return a hash of what the ranking depends on: not of when results were computed, or how often."""
    trials = [
        msgspec.structs.replace(trial, revision=0, reason=None, computed_at=None)
        for configuration in configurations
        for trial in configuration.trials
    ]
    inputs = msgspec.msgpack.encode([score.a, score.b, score.unit, trials])
    return int.from_bytes(hashlib.sha256(inputs).digest()[:8], "big")


def _value(configuration: Configuration, log_energies: Floats, score: Score) -> float:
    """Return SAM at the pooled accuracy and the mean energy.

    Raises:
        ScoreUndefined: the energy is 1 unit or less, or its interval reaches that far.
    """
    value = sam(configuration.accuracy, in_unit(configuration.mean_j, score.unit), score.a, score.b)
    if float(np.mean(log_energies <= 0.0)) >= INTERVAL[0]:
        raise ScoreUndefined(f"the energy's interval reaches 1 {score.unit}: choose a smaller unit")
    return value


def _sams(accuracy: Floats, log_energies: Floats, score: Score) -> Floats:
    """Return SAM for each draw; beyond the singularity at 1 unit it stays at its limit, infinity."""
    sams = np.full(len(log_energies), np.inf)
    above = log_energies > 0.0
    sams[above] = score.b * accuracy[above] ** score.a / (log_energies[above] / np.log(10.0))
    return sams


def _probabilities(sams: list[Floats]) -> Floats:
    """Return P(row i beats row j); equal draws count half."""
    if not sams:
        return np.empty((0, 0))
    table = np.array(sams, np.float32)
    wins = np.array([np.count_nonzero(row > table, axis=1) for row in table]) / table.shape[1]
    return np.asarray((wins + 1.0 - wins.T) / 2)


def _rows(scored: Sequence[_Scored], beats: Floats, score: Score) -> tuple[RankingRow, ...]:
    ties = tie_groups(beats)
    return tuple(_row(at + 1, row, ties[at], score) for at, row in enumerate(scored))


def tie_groups(beats: Floats) -> list[int]:
    """Return each row's tie group, rows best first.

    A row joins the open group unless the group's first beats it with 95 % or more; else it opens the next.
    """
    ties: list[int] = []
    first = 0
    for row in range(len(beats)):
        if row and beats[first, row] >= BEATEN:
            first = row
            ties.append(ties[-1] + 1)
        else:
            ties.append(ties[-1] if ties else 1)
    return ties


def _row(rank: int, scored: _Scored, tie_group: int, score: Score) -> RankingRow:
    configuration, trial = scored.configuration, scored.configuration.trials[0]
    # The nearest draw, not one between two: infinities do not mix.
    sam_lo, sam_hi = np.quantile(scored.sams, INTERVAL, method="nearest")
    low, high = np.quantile(scored.energies, INTERVAL)
    return RankingRow(
        rank=rank,
        model=trial.model or "",
        precision=trial.precision,
        batch_size=trial.batch_size,
        backend=trial.backend,
        sam=scored.sam,
        sam_lo=_rounded(sam_lo),
        sam_hi=_rounded(sam_hi),
        accuracy=configuration.accuracy,
        accuracy_origin=configuration.accuracy_origin,
        energy=in_unit(configuration.mean_j, score.unit),
        energy_u95=_rounded((high - low) / 2),
        tie_group=tie_group,
        trials=len(configuration.trials),
        state=configuration.state,
        nodes=configuration.nodes,
    )


def _rounded(value: float) -> float:
    """Return six significant digits: what a machine's own way of adding may change is not a result."""
    return float(f"{value:.6g}")
