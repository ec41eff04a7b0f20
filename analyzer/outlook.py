"""What a ranking would have been: at another a or unit, by both aims at once, by NetScore alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analyzer.beats import kendall_tau, taus_of_draws
from analyzer.regret import around_tau, interval, regrets, shortest
from analyzer.sam import UNITS_J, ScoreUndefined, in_unit, sam
from telemetry.contract.ranking import NetScoreCheck, NetScoreRow, OtherOrder, RankingRow

Floats = NDArray[np.float64]

EXPONENTS = (1.0, 3.0, 5.0, 7.0)
# The number of pairs grows with the square: tau of a longer table has no interval.
MOST_FOR_INTERVAL = 500


@dataclass(frozen=True)
class Measured:
    """What an order rests on: accuracy (0-1) and energy (J for 1,000 images) of the rows, best first."""

    accuracy: Sequence[float]
    energy_j: Sequence[float]
    ties: Sequence[int]


def other_orders(rows: Measured, a: float, unit: str) -> tuple[OtherOrder, ...]:
    """Return the order at every other usual `a`, and in every other unit; `b` never changes one."""
    choices = [(other, unit) for other in EXPONENTS if other != a]
    choices += [(a, other) for other in UNITS_J if other != unit]
    return tuple(_order(rows, *choice) for choice in choices)


def _order(rows: Measured, a: float, unit: str) -> OtherOrder:
    values: dict[int, float] = {}
    for at, (accuracy, energy_j) in enumerate(zip(rows.accuracy, rows.energy_j, strict=True)):
        try:
            values[at] = sam(accuracy, in_unit(energy_j, unit), a, 1.0)
        except ScoreUndefined:
            continue
    order = sorted(values, key=lambda at: -values[at])  # a stable sort: equal scores keep their places
    return OtherOrder(
        a=a,
        unit=unit,
        order=tuple(at + 1 for at in order),
        changed=order != sorted(order),
        beyond_ties=any(rows.ties[one] > rows.ties[other] for one, other in pairwise(order)),
        undefined=tuple(at + 1 for at in range(len(rows.ties)) if at not in values),
    )


def pareto_front(accuracy: Sequence[float], energy: Sequence[float]) -> list[int]:
    """Return the rows that no other row beats in one aim without losing in the other, by rising energy."""
    front: list[int] = []
    for at in sorted(range(len(energy)), key=lambda at: (energy[at], -accuracy[at])):
        last = front[-1] if front else None
        equal = last is not None and (accuracy[at], energy[at]) == (accuracy[last], energy[last])
        if last is None or equal or accuracy[at] > accuracy[last]:
            front.append(at)
    return front


def against_netscore(
    rows: Sequence[RankingRow], sams: Floats, energies: Floats, netscores: Mapping[str, float]
) -> NetScoreCheck | None:
    """Compare NetScore's order with the measured one; None with fewer than two rows that have a NetScore.

    NetScore knows models, not configurations: its pick is the best configuration of its best model. The
    regret is the share of the best score that is lost by taking the pick; `sams` and `energies` (in the
    ranking's unit) are rows × draws.
    """
    known = [(at, netscores[row.model]) for at, row in enumerate(rows) if row.model in netscores]
    if len(known) < 2:
        return None
    ranks = [1 + sum(other > score for _, other in known) for _, score in known]
    pick = next(at for (at, _), rank in zip(known, ranks, strict=True) if rank == 1)
    best = known[0][0]
    ours = sams[[at for at, _ in known]]
    scores = [score for _, score in known]
    tau = kendall_tau(scores, [rows[at].sam for at, _ in known])
    return NetScoreCheck(
        rows=tuple(
            NetScoreRow(rank=rows[at].rank, netscore=score, netscore_rank=rank)
            for (at, score), rank in zip(known, ranks, strict=True)
        ),
        tau=tau,
        **(
            around_tau(tau, taus_of_draws(np.array([scores]).T, ours))
            if len(known) <= MOST_FOR_INTERVAL
            else {}
        ),
        pick=rows[pick].rank,
        regret=1.0 - rows[pick].sam / rows[best].sam if rows[best].sam > 0 else 0.0,
        **shortest("regret", regrets(ours, sams[pick])),
        regret_energy=rows[pick].energy - rows[best].energy,
        **interval("regret_energy", energies[pick] - energies[best]),
        unknown=tuple(_once(row.model for row in rows if row.model not in netscores)),
    )


def _once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
