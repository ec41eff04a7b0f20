"""The cells of the study, and many repeats of one."""

from __future__ import annotations

import zlib
from itertools import product
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.energy import ratio_u95 as ratio_of
from studies.energy.conditions import CONDITIONS
from studies.energy.sensors import SENSORS
from studies.energy.trial import Outcome, outcome
from studies.energy.truth import Floats
from studies.energy.waves import FAMILIES, load_of

STATES = ("valid", "degraded", "invalid")
HOLED_S = 10.0
LENGTHS_S = (1.0, 3.0, 10.0, 60.0)


class Cell(NamedTuple):
    """One wave, sensor, length and condition."""

    wave: str
    sensor: str
    length_s: float
    condition: str

    def __str__(self) -> str:
        return f"{self.sensor} {self.wave} {self.length_s:g} s {self.condition}"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What the repeats of one cell came to. Errors and widths are shares of the energy; None: no repeat.

    `covered`, `u95`, `error95`, `bias`, `spread` are of the repeats that are valid in a valid cell, else of
    all that have an energy. `ratio_` are the same of the ratio of two models, `ratio_plain_covered`
    without the covariance of a shared offset. `naive` has bias and the
    95 % error of each naive way, in clean cells.
    """

    wave: str
    sensor: str
    length_s: float
    condition: str
    repeats: int
    states: tuple[int, int, int]
    counted: int
    covered: int
    bias: float | None
    spread: float | None
    error95: float | None
    u95: float | None
    ratio_counted: int
    ratio_covered: int
    ratio_plain_covered: int
    ratio_error95: float | None
    ratio_u95: float | None
    naive: tuple[tuple[float, float] | None, ...]

    @property
    def is_valid(self) -> bool:
        """Most of its repeats are called valid."""
        return 2 * self.states[0] > self.repeats

    @property
    def coverage(self) -> float | None:
        return self.covered / self.counted if self.counted else None

    @property
    def is_ratio_valid(self) -> bool:
        """In most of its repeats both models are called valid."""
        return self.is_valid and 2 * self.ratio_counted > self.repeats

    @property
    def ratio_coverage(self) -> float | None:
        return self.ratio_covered / self.ratio_counted if self.is_ratio_valid else None

    @property
    def width(self) -> float | None:
        """How wide the stated interval is in units of the error that 95 % of the repeats stay below."""
        return self.u95 / self.error95 if self.u95 is not None and self.error95 else None

    @property
    def ratio_width(self) -> float | None:
        return (
            self.ratio_u95 / self.ratio_error95 if self.ratio_u95 is not None and self.ratio_error95 else None
        )

    @property
    def name(self) -> str:
        return str(Cell(self.wave, self.sensor, self.length_s, self.condition))


def all_cells() -> list[Cell]:
    """Every combination, but a hole only in trials of one length: none is ever valid."""
    cells = (Cell(*parts) for parts in product(FAMILIES, SENSORS, LENGTHS_S, CONDITIONS))
    return [cell for cell in cells if cell.condition != "hole" or cell.length_s == HOLED_S]


def run(cell: Cell, seed: int, repeats: int) -> Tally:
    """Repeat a cell: its two loads are drawn once, everything else anew each time."""
    entropy = (seed, zlib.crc32(str(cell).encode()))
    rng = np.random.default_rng(entropy)
    sensor, condition = SENSORS[cell.sensor], CONDITIONS[cell.condition]
    loads = [load_of(cell.wave, rng, sensor.levels, cell.length_s) for _ in range(2)]
    pairs: list[tuple[Outcome, Outcome]] = []
    for _ in range(repeats):
        errors = sensor.draw(rng)
        first, second = (outcome(load, sensor, errors, condition, rng) for load in loads)
        pairs.append((first, second))
    return tally(cell, pairs)


def tally(cell: Cell, pairs: list[tuple[Outcome, Outcome]]) -> Tally:
    """Sum up a cell's repeats."""
    first, second = (_columns([pair[at] for pair in pairs]) for at in (0, 1))
    states = [sum(pair[0].ours.state == state for pair in pairs) for state in STATES]
    # A cell that is not called valid is summed up over all that has an energy, valid or not.
    every = 2 * states[0] <= len(pairs)
    trusted = np.isfinite(first.energy) & (first.is_valid | every)
    both = trusted & np.isfinite(second.energy) & (second.is_valid | every)
    error = first.energy / first.truth - 1
    ratio_error = (first.energy / second.energy) / (first.truth / second.truth) - 1
    ratio_u95 = np.array([ratio_of(a.ours, b.ours) or np.nan for a, b in pairs])
    plain_u95 = np.hypot(first.comparable / first.energy, second.comparable / second.energy)
    return Tally(
        **cell._asdict(),
        repeats=len(pairs),
        states=(states[0], states[1], states[2]),
        counted=int(trusted.sum()),
        covered=int(np.sum(np.abs(first.energy - first.truth)[trusted] <= first.u95[trusted])),
        bias=_mean(error[trusted]),
        spread=float(error[trusted].std()) if trusted.any() else None,
        error95=_quantile(error[trusted]),
        u95=_mean((first.u95 / first.energy)[trusted]),
        ratio_counted=int(both.sum()),
        ratio_covered=int(np.sum(np.abs(ratio_error[both]) <= ratio_u95[both])),
        ratio_plain_covered=int(np.sum(np.abs(ratio_error[both]) <= plain_u95[both])),
        ratio_error95=_quantile(ratio_error[both]),
        ratio_u95=_mean(ratio_u95[both]),
        naive=_naive([pair[0] for pair in pairs]),
    )


class _Columns(NamedTuple):
    """One value of each repeat; NaN where there is none."""

    truth: Floats
    energy: Floats
    u95: Floats
    comparable: Floats
    is_valid: NDArray[np.bool_]


def _columns(outcomes: list[Outcome]) -> _Columns:
    def of(name: str) -> Floats:
        found = [getattr(each.ours, name) for each in outcomes]
        return np.array([np.nan if value is None else value for value in found], np.float64)

    return _Columns(
        np.array([each.truth_j for each in outcomes]),
        of("energy_j"),
        of("energy_u95_j"),
        of("energy_u95_comparable_j"),
        np.array([each.ours.state == "valid" for each in outcomes]),
    )


def _naive(outcomes: list[Outcome]) -> tuple[tuple[float, float] | None, ...]:
    truth = np.array([each.truth_j for each in outcomes])
    ways = [each.naive_j for each in outcomes if each.naive_j is not None]
    found: list[tuple[float, float] | None] = []
    for joules in zip(*ways, strict=True):
        error = np.array(joules) / truth - 1
        there = error[np.isfinite(error)]
        found.append((float(there.mean()), float(np.quantile(np.abs(there), 0.95))) if len(there) else None)
    return tuple(found)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _quantile(errors: Floats) -> float | None:
    return float(np.quantile(np.abs(errors), 0.95)) if len(errors) else None
