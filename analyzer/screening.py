"""Stage 1 of the method: who passes the thresholds, who fails on what, ordered by NetScore. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import msgspec

from analyzer.candidates import Candidate
from analyzer.sam import AUTHORS, Exponents, netscore
from telemetry.contract.errors import UserError

TOO_MUCH = 100.0
"""No exponent of NetScore is that large."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """At least this Top-1 (percent), fewer parameters than this (millions), fewer MACs than this (billions).

    The defaults are the method's (arXiv 2511.23166).
    """

    min_top1: float = 79.0
    max_params: float = 23.0
    max_macs: float = 5.0

    def __post_init__(self) -> None:
        """Raises `UserError` for thresholds in units that cannot be meant."""
        if not (isfinite(self.min_top1) and (self.min_top1 == 0.0 or 1.0 < self.min_top1 <= 100.0)):
            raise UserError(f"--min-top1 {self.min_top1:g}: percent from 0 to 100 is expected, as 79")
        if not 0.0 < self.max_params < 1e5:
            raise UserError(f"--max-params {self.max_params:g}: millions of parameters are expected, as 23")
        if not 0.0 < self.max_macs < 1e5:
            raise UserError(f"--max-macs {self.max_macs:g}: billions of MACs are expected, as 5")


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold that a candidate fails, and by how much, in the threshold's own unit."""

    on: str
    value: float
    limit: float
    by: float


class Screened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A candidate's outcome. `rank` is its place by NetScore among those that pass, None for the others."""

    rank: int | None
    model: str
    netscore: float
    passes: bool
    top1_percent: float
    params_m: float
    macs_g: float
    fails: tuple[Miss, ...]
    image_size: int | None = None
    family: str | None = None
    distilled: bool | None = None
    hybrid: bool | None = None
    preset: bool = False


@dataclass(frozen=True)
class Screening:
    """The outcome: passing candidates first, both parts by falling NetScore."""

    thresholds: Thresholds
    exponents: Exponents
    rows: tuple[Screened, ...]

    @property
    def passing(self) -> tuple[Screened, ...]:
        return tuple(row for row in self.rows if row.passes)

    @property
    def failing(self) -> tuple[Screened, ...]:
        return tuple(row for row in self.rows if not row.passes)

    @property
    def misses(self) -> dict[str, int]:
        """How many fail on each threshold; one that fails on two counts for both."""
        on = [miss.on for row in self.rows for miss in row.fails]
        return {name: on.count(name) for name in ("top1", "params", "macs")}


def screen(
    candidates: Iterable[Candidate], thresholds: Thresholds, exponents: Exponents = AUTHORS
) -> Screening:
    """Return who passes and who fails, by NetScore; equal scores by name. Raises `UserError`."""
    _check(exponents)
    judged = [
        (each, netscore(each.top1_percent, each.params_m, each.macs_g, exponents)) for each in candidates
    ]
    judged.sort(key=lambda pair: (-pair[1], pair[0].model, pair[0].image_size or 0))
    passing = [pair for pair in judged if not _misses(pair[0], thresholds)]
    failing = [pair for pair in judged if _misses(pair[0], thresholds)]
    ranked = [_screened(each, score, at + 1, ()) for at, (each, score) in enumerate(passing)]
    others = [_screened(each, score, None, _misses(each, thresholds)) for each, score in failing]
    return Screening(thresholds, exponents, (*ranked, *others))


def _check(exponents: Exponents) -> None:
    """Raises `UserError` for weights of NetScore that cannot be meant."""
    for name, value in exponents._asdict().items():
        if not 0.0 <= value < TOO_MUCH:
            raise UserError(f"--{name}-exponent {value:g}: a number from 0 to {TOO_MUCH:g} is expected, as 2")


def nearest_miss(screening: Screening) -> Screened | None:
    """Return the candidate that fails by the smallest share of a threshold, its worst one counting."""
    return min(
        screening.failing,
        key=lambda row: (max(miss.by / miss.limit for miss in row.fails), row.model),
        default=None,
    )


def _misses(candidate: Candidate, thresholds: Thresholds) -> tuple[Miss, ...]:
    misses = []
    if candidate.top1_percent < thresholds.min_top1:
        misses.append(_miss("top1", candidate.top1_percent, thresholds.min_top1))
    if candidate.params_m >= thresholds.max_params:
        misses.append(_miss("params", candidate.params_m, thresholds.max_params))
    if candidate.macs_g >= thresholds.max_macs:
        misses.append(_miss("macs", candidate.macs_g, thresholds.max_macs))
    return tuple(misses)


def _miss(on: str, value: float, limit: float) -> Miss:
    # Nine digits: a difference of two short decimals reads as one.
    return Miss(on=on, value=value, limit=limit, by=round(abs(value - limit), 9))


def _screened(candidate: Candidate, score: float, rank: int | None, fails: tuple[Miss, ...]) -> Screened:
    return Screened(
        rank=rank,
        model=candidate.model,
        netscore=score,
        passes=not fails,
        top1_percent=candidate.top1_percent,
        params_m=candidate.params_m,
        macs_g=candidate.macs_g,
        fails=fails,
        image_size=candidate.image_size,
        family=candidate.family,
        distilled=candidate.distilled,
        hybrid=candidate.hybrid,
        preset=candidate.preset,
    )
