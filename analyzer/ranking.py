"""Ranking by SAM with intervals, probabilities and tie groups: one table for one group of trials."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.beats import probabilities, tie_groups
from analyzer.configurations import Configuration, gather
from analyzer.draws import Scatter, draw_accuracies, draw_log_energies, pooled_scatter, shared_errors
from analyzer.outlook import INTERVAL, Measured, against_netscore, other_orders, pareto_front
from analyzer.sam import DEFAULT_A, DEFAULT_B, DEFAULT_UNIT, ScoreUndefined, in_unit, sam
from analyzer.separating import Known, separations
from telemetry.contract.documents import Result
from telemetry.contract.marks import PROGRAM
from telemetry.contract.ranking import Ranking, RankingGroup, RankingRow, RefusedModel

Floats = NDArray[np.float64]

# Long tables get fewer draws, so that ranking ten thousand trials stays a matter of a second or two.
DRAWS = 10_000
FEWEST_DRAWS = 1_500
DRAWS_IN_ALL = 5_000_000
TINY = 1e-9
# Every pair has its probability in this many first rows; their number grows with the square.
ROWS_WITH_P = 200
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
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_NETSCORES: Mapping[str, float] = MappingProxyType({})


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
class _Scored:
    """Configurations with a score, best first, and the draws of each: rows × draws."""

    configurations: Sequence[Configuration]
    values: Sequence[float]
    sams: Floats
    log_energies: Floats
    accuracies: Floats


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
    """Return the trials among the results, by the table they belong to; each by the stream that leads."""
    groups: dict[RankingGroup, list[Result]] = defaultdict(list)
    for result in results:
        if result.kind == "trial" and result.model and result.leads is not False and not _is_program(result):
            groups[group_of(result)].append(result)
    return dict(groups)


def _is_program(result: Result) -> bool:
    """Whether it is a program as one window (`e3p run`) that worked through no images: it is no candidate."""
    return result.backend == PROGRAM and not result.images


def rank(
    trials: Sequence[Result],
    score: Score | None = None,
    excluded: Mapping[str, str] = NOTHING,
    netscores: Mapping[str, float] = NO_NETSCORES,
) -> Ranking:
    """Return the ranking of one group's trials, each in its newest revision, in any order.

    `excluded` maps a trial's id to the reason why a person left it out, `netscores` a model to its NetScore.
    The same trials give the same ranking: the draws are seeded by a hash of them.

    Raises:
        ValueError: no trials, or trials of more than one group.
    """
    score = score or Score()
    groups = {group_of(trial) for trial in trials}
    if len(groups) != 1:
        raise ValueError(f"a ranking is of one group of trials, not of {len(groups)}")
    configurations, refused = gather(trials, excluded)
    scatter = pooled_scatter(configurations)
    scored, undefined = _score(configurations, scatter, score)
    ties = tie_groups(scored.sams)
    rows = _rows(scored, ties, score)
    accuracy, energy = [row.accuracy for row in rows], [row.energy for row in rows]
    energy_j = [configuration.mean_j for configuration in scored.configurations]
    return Ranking(
        group=groups.pop(),
        a=score.a,
        b=score.b,
        unit=score.unit,
        rows=rows,
        p_better=_table(probabilities(scored.sams[:ROWS_WITH_P])),
        refused=tuple(refused + undefined),
        scatter=_rounded(scatter.relative) if scatter.dof else None,
        scatter_dof=scatter.dof,
        sensitivity=other_orders(Measured(accuracy, energy_j, ties), score.a, score.unit) if rows else (),
        pareto=tuple(at + 1 for at in pareto_front(accuracy, energy)),
        netscore=against_netscore(rows, scored.sams, _energies(scored.log_energies), netscores),
        separations=tuple(separations(_known(scored), ties, score.a)),
    )


def _known(scored: _Scored) -> list[Known]:
    """Return what tells how sure each row is; where energies reach 1 unit their double logarithm ends."""
    logs = np.maximum(scored.log_energies, TINY)
    shared = shared_errors(scored.configurations)
    return [
        Known(
            sam=value,
            log_accuracy=np.log(np.maximum(scored.accuracies[at], TINY)),
            log_log_energy=np.log(logs[at]),
            shared=shared[at] / np.median(logs[at]),
            trials=len(row.trials),
            images=sum(part.n or 0 for part in row.accuracies) if row.accuracy_origin == "measured" else None,
        )
        for at, (row, value) in enumerate(zip(scored.configurations, scored.values, strict=True))
    ]


def _score(
    configurations: Sequence[Configuration], scatter: Scatter, score: Score
) -> tuple[_Scored, list[RefusedModel]]:
    """Return the configurations that have a score, best first, and those whose energy is too small."""
    if not configurations:
        nothing = np.empty((0, 0))
        return _Scored([], [], nothing, nothing, nothing), []
    rng = np.random.default_rng(_seed(configurations, score))
    draws = int(np.clip(DRAWS_IN_ALL // len(configurations), FEWEST_DRAWS, DRAWS))
    logs = draw_log_energies(configurations, scatter, rng, draws)
    logs += np.log(in_unit(1.0, score.unit))
    accuracies = draw_accuracies(configurations, rng, draws)
    near_one = np.count_nonzero(logs <= 0.0, axis=1) / draws
    values: dict[int, float] = {}
    refused = []
    for at, configuration in enumerate(configurations):
        try:
            values[at] = _value(configuration, near_one[at], score)
        except ScoreUndefined as error:
            refused.append(RefusedModel(model=configuration.key[0], reason=str(error)))
    order = sorted(values, key=lambda at: (-values[at], configurations[at].key))
    ordered = _Scored(
        [configurations[at] for at in order],
        [values[at] for at in order],
        _sams(accuracies[order], logs[order], score),
        logs[order],
        accuracies[order],
    )
    return ordered, refused


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


def _table(beaten: Floats) -> tuple[tuple[float | None, ...], ...]:
    """Return P(row i beats row j) as the document has it."""
    return tuple(
        tuple(None if i == j else p for j, p in enumerate(line))
        for i, line in enumerate(np.round(beaten, 5).tolist())
    )


def _rows(scored: _Scored, ties: Sequence[int], score: Score) -> tuple[RankingRow, ...]:
    if not scored.configurations:
        return ()
    sam_lo, sam_hi = _interval(scored.sams)
    low, high = _energies(np.array(_interval(scored.log_energies)))
    return tuple(
        RankingRow(
            rank=at + 1,
            model=configuration.trials[0].model or "",
            precision=configuration.trials[0].precision,
            batch_size=configuration.trials[0].batch_size,
            backend=configuration.trials[0].backend,
            sam=scored.values[at],
            sam_lo=_rounded(sam_lo[at]),
            sam_hi=_rounded(sam_hi[at]),
            accuracy=configuration.accuracy,
            accuracy_origin=configuration.accuracy_origin,
            energy=in_unit(configuration.mean_j, score.unit),
            energy_u95=_rounded((high[at] - low[at]) / 2),
            tie_group=ties[at],
            trials=len(configuration.trials),
            state=configuration.state,
            nodes=configuration.nodes,
            latency_p95_ms=_mean(_p95_ms(each) for each in configuration.trials),
            mean_w=_mean(each.mean_w for each in configuration.trials),
        )
        for at, configuration in enumerate(scored.configurations)
    )


def _p95_ms(trial: Result) -> float | None:
    return trial.latency_ms.p95 if trial.latency_ms else None


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _energies(logs: Floats) -> Floats:
    return np.asarray(np.exp(np.clip(logs, -500, 500)))


def _interval(table: Floats) -> tuple[Floats, Floats]:
    """Return both ends of each row's 95 % interval: the nearest draws, since infinities do not mix."""
    places = [round(share * (table.shape[1] - 1)) for share in INTERVAL]
    ends = np.partition(table, places, axis=1)[:, places]
    return ends[:, 0], ends[:, 1]


def _rounded(value: float) -> float:
    """Return six significant digits: what a machine's own way of adding may change is not a result."""
    return float(f"{value:.6g}")
