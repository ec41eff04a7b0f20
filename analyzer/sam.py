"""The two scores of the method: NetScore on paper (stage 1) and SAM from measurement (stage 2)."""

from __future__ import annotations

from math import isfinite, log10
from types import MappingProxyType
from typing import NamedTuple

DEFAULT_A = 5.0
DEFAULT_B = 5.0
# SAM's paper does not state the unit of energy. Joules for a set of 1,000 images (the same number as mJ for
# one) agree with its values. The unit can change an order, so it is always told.
DEFAULT_UNIT = "J"
UNITS_J: MappingProxyType[str, float] = MappingProxyType({"J": 1.0, "mJ": 1e-3, "kJ": 1e3, "Wh": 3600.0})


class ScoreUndefined(ValueError):
    """A score has no value for these numbers; the message says what would be right."""


class Exponents(NamedTuple):
    """How much accuracy, parameters and MACs weigh in NetScore; by default as its author has it."""

    accuracy: float = 2.0
    params: float = 0.5
    macs: float = 0.5


AUTHORS = Exponents()


def netscore(
    accuracy_percent: float, params_m: float, macs_g: float, exponents: Exponents = AUTHORS
) -> float:
    """Return NetScore: 20·log10(acc² / (√params · √macs)), or with other exponents.

    Accuracy in percent, parameters in millions, MACs in billions (Wong, arXiv 1806.05512). Other units shift
    every score by a constant.

    Raises:
        ScoreUndefined: a number that is not above 0.
    """
    for name, value in (("accuracy", accuracy_percent), ("parameters", params_m), ("MACs", macs_g)):
        if not (isfinite(value) and value > 0):
            raise ScoreUndefined(f"NetScore needs {name} above 0, not {value:g}")
    return 20.0 * (
        exponents.accuracy * log10(accuracy_percent)
        - exponents.params * log10(params_m)
        - exponents.macs * log10(macs_g)
    )


def in_unit(energy_j: float, unit: str) -> float:
    """Return joules in another unit.

    Raises:
        ScoreUndefined: an unknown unit.
    """
    if unit not in UNITS_J:
        raise ScoreUndefined(f"energy unit {unit!r} is not one of {', '.join(UNITS_J)}")
    return energy_j / UNITS_J[unit]


def sam(accuracy: float, energy: float, a: float = DEFAULT_A, b: float = DEFAULT_B) -> float:
    """Return SAM: b·acc^a / log10(E) (Gowda et al., arXiv 2310.06522).

    Accuracy is a fraction (0-1), energy a number of units per 1,000 images.

    Raises:
        ScoreUndefined: an accuracy outside 0-1, or an energy of 1 unit or less, where the score is singular
            and then turns over.
    """
    if not 0.0 <= accuracy <= 1.0:
        raise ScoreUndefined(f"SAM needs an accuracy from 0 to 1, not {accuracy:g}")
    if not (isfinite(energy) and energy > 1.0):
        raise ScoreUndefined(f"SAM needs an energy above 1 unit, not {energy:g}: choose a smaller unit")
    return b * float(accuracy**a) / log10(energy)
