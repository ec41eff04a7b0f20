"""Ranking by SAM with intervals, probabilities and tie groups: one table for one group of trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analyzer.beats import probabilities, tie_groups
from analyzer.draws import shared_errors
from analyzer.outlook import Measured, against_netscore, other_orders, pareto_front
from analyzer.rounding import rounded
from analyzer.sam import in_unit
from analyzer.scoring import Score, Scored, energies, interval, pooled, score_together
from analyzer.separating import Known, separations
from telemetry.contract.documents import Result
from telemetry.contract.marks import PROGRAM
from telemetry.contract.ranking import Ranking, RankingGroup, RankingRow

Floats = NDArray[np.float64]

TINY = 1e-9
# Every pair has its probability in this many first rows; their number grows with the square.
ROWS_WITH_P = 200
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_NETSCORES: Mapping[str, float] = MappingProxyType({})


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
    pool = pooled(trials, excluded)
    [scored] = score_together([pool], score)
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
        refused=(*pool.refused, *scored.undefined),
        scatter=rounded(pool.scatter.relative) if pool.scatter.dof else None,
        scatter_dof=pool.scatter.dof,
        sensitivity=other_orders(Measured(accuracy, energy_j, ties), score.a, score.unit) if rows else (),
        pareto=tuple(at + 1 for at in pareto_front(accuracy, energy)),
        netscore=against_netscore(rows, scored.sams, energies(scored.log_energies), netscores),
        separations=tuple(separations(_known(scored), ties, score.a)),
    )


def _known(scored: Scored) -> list[Known]:
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


def _table(beaten: Floats) -> tuple[tuple[float | None, ...], ...]:
    """Return P(row i beats row j) as the document has it."""
    return tuple(
        tuple(None if i == j else p for j, p in enumerate(line))
        for i, line in enumerate(np.round(beaten, 5).tolist())
    )


def _rows(scored: Scored, ties: Sequence[int], score: Score) -> tuple[RankingRow, ...]:
    if not scored.configurations:
        return ()
    sam_lo, sam_hi = interval(scored.sams)
    low, high = energies(np.array(interval(scored.log_energies)))
    return tuple(
        RankingRow(
            rank=at + 1,
            model=configuration.trials[0].model or "",
            precision=configuration.trials[0].precision,
            batch_size=configuration.trials[0].batch_size,
            backend=configuration.trials[0].backend,
            sam=scored.values[at],
            sam_lo=rounded(sam_lo[at]),
            sam_hi=rounded(sam_hi[at]),
            accuracy=configuration.accuracy,
            accuracy_origin=configuration.accuracy_origin,
            energy=in_unit(configuration.mean_j, score.unit),
            energy_u95=rounded((high[at] - low[at]) / 2),
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
