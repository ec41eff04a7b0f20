"""The decision: which configuration to run within limits that a user has, and how sure that is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import msgspec

from analyzer.beats import BEATEN
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import Ranking, RankingRow, Separation


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a device may need at most, and the accuracy (a fraction) it must reach. None: no limit.

    Latency is a batch's (95 % of them, ms), power the mean (W), energy that of 1,000 images.
    """

    max_latency_ms: float | None = None
    max_watts: float | None = None
    max_energy: float | None = None
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        """Raises `UserError` for a limit that cannot be meant."""
        for name in ("max_latency_ms", "max_watts", "max_energy"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise UserError(f"--{name.replace('_', '-')} {value:g}: a number above 0 is expected")
        if self.min_accuracy is not None and not 0.0 <= self.min_accuracy <= 1.0:
            right = f", as {self.min_accuracy / 100:g}" if 1.0 < self.min_accuracy <= 100.0 else ""
            raise UserError(
                f"--min-accuracy {self.min_accuracy:g}: a fraction from 0 to 1 is expected{right}"
            )


class Missed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row outside of a limit; `value` None: it was never measured, so nobody can tell."""

    rank: int
    on: str
    limit: float
    value: float | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to run: `pick` is the rank of the best row within the limits, `tied` those it cannot be told from.

    `p` is how sure it is that the pick beats the best of the others within the limits; None: there is none.
    """

    limits: Limits
    pick: int | None
    tied: tuple[int, ...] = ()
    p: float | None = None
    missed: tuple[Missed, ...] = ()
    decides: Separation | None = None


def decide(ranking: Ranking, limits: Limits) -> Decision:
    """Return the best row within the limits."""
    missed = tuple(miss for row in ranking.rows for miss in _misses(row, limits))
    outside = {miss.rank for miss in missed}
    within = [row.rank for row in ranking.rows if row.rank not in outside]
    if not within:
        return Decision(limits=limits, pick=None, missed=missed)
    pick, *others = within
    tied = tuple(rank for rank in others if (_p(ranking, pick, rank) or 0.0) < BEATEN)
    return Decision(
        limits=limits,
        pick=pick,
        tied=tied,
        p=_p(ranking, pick, others[0]) if others else None,
        missed=missed,
        decides=_decides(ranking, pick, tied),
    )


def _misses(row: RankingRow, limits: Limits) -> Iterator[Missed]:
    upper = (
        ("latency_ms", row.latency_p95_ms, limits.max_latency_ms),
        ("watts", row.mean_w, limits.max_watts),
        ("energy", row.energy, limits.max_energy),
    )
    for name, value, limit in upper:
        if limit is not None and (value is None or value > limit):
            yield Missed(rank=row.rank, on=name, limit=limit, value=value)
    if limits.min_accuracy is not None and row.accuracy < limits.min_accuracy:
        yield Missed(rank=row.rank, on="accuracy", limit=limits.min_accuracy, value=row.accuracy)


def _p(ranking: Ranking, one: int, other: int) -> float | None:
    """P(row `one` beats row `other`), by ranks; None beyond the rows that have one."""
    table = ranking.p_better
    return table[one - 1][other - 1] if max(one, other) <= len(table) else None


def _decides(ranking: Ranking, pick: int, tied: tuple[int, ...]) -> Separation | None:
    """What would tell the pick from the nearest of those tied with it."""
    return next((each for each in ranking.separations if each.against == pick and each.rank in tied), None)
