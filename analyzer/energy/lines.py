"""A line of the budget, and how lines become an interval of 95 % (GUM: JCGM 100 and 101).

Every line is a standard uncertainty in joules. Lines are independent, so they add in quadrature. What factor
makes the sum an interval of 95 % depends on their shapes: a sum of many is near normal (1.96), a single
rectangle ends at √3 of its standard uncertainty and has 95 % within 1.65 of it. JCGM 101 propagates the
distributions by Monte Carlo; for sums of rectangles and normals the same factor is a function of the sum's
kurtosis, which needs no draws and gives every window the same answer for ever. `KURTOSIS` and `FACTOR` are
that function, of a normal and a rectangle in all proportions; tests hold it against draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# JCGM 100 G.3: the two-sided 95 % of a normal distribution.
COVERAGE_FACTOR = 1.959964
_OF_RECTANGLE = -1.2
KURTOSIS = (-1.2, -1.15, -1.1, -1.0, -0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0)
FACTOR = (1.6454, 1.6647, 1.69, 1.7331, 1.7693, 1.8009, 1.829, 1.8543, 1.8774, 1.8984, 1.9174, 1.9344, 1.949)
FACTORS = (*FACTOR, COVERAGE_FACTOR)
# Below this many degrees of freedom the expansion of Student's quantile fails; such windows are short anyway.
FEWEST_DOF = 4.0


@dataclass(frozen=True)
class Line:
    """One cause: `u_j` is its standard uncertainty, `how` says where that comes from.

    ``shared`` is one error in all windows of the sensor. ``flat`` lines are rectangular, the others normal;
    ``dof`` is how well `u_j` itself is known where it was estimated from readings (degrees of freedom).
    """

    name: str
    u_j: float
    how: str
    shared: bool = False
    flat: bool = False
    dof: float = float("inf")


def expanded_j(lines: Sequence[Line]) -> float:
    """Return the 95 % uncertainty (J) of all lines together."""
    return coverage_factor(lines) * standard_j(lines)


def comparable_j(lines: Sequence[Line]) -> float:
    """Return the 95 % uncertainty that counts when two windows of one sensor are compared by ratio.

    A common gain cancels in a ratio. A common offset does not, once powers differ, so it stays. Two of these
    add in quadrature, and two rectangles make a triangle: the factor is that of a pair.
    """
    kept = [line for line in lines if line.name != "gain"]
    return coverage_factor(kept, together=2) * standard_j(kept)


def standard_j(lines: Sequence[Line]) -> float:
    """Return the standard uncertainty (J) of all lines together."""
    return float(np.sqrt(sum(line.u_j**2 for line in lines)))


def coverage_factor(lines: Sequence[Line], together: int = 1) -> float:
    """Return the factor from the lines' standard uncertainty to their 95 % interval.

    Rectangles make it smaller; estimates from few readings make it larger (Student's t with the effective
    degrees of freedom of Welch and Satterthwaite, JCGM 100 G.4). `together` windows alike have a sum of
    `together` times less kurtosis.
    """
    variance = sum(line.u_j**2 for line in lines)
    if not variance:
        return COVERAGE_FACTOR
    kurtosis = _OF_RECTANGLE * sum((line.u_j**2 / variance) ** 2 for line in lines if line.flat) / together
    unsure = sum((line.u_j**2 / variance) ** 2 / line.dof for line in lines)
    widening = student_95(1.0 / unsure) / COVERAGE_FACTOR if unsure else 1.0
    return float(np.interp(kurtosis, KURTOSIS, FACTORS)) * widening


def student_95(dof: float) -> float:
    """Return the two-sided 95 % of Student's t, within 0.6 % from 6 degrees of freedom on (JCGM 100 G.3)."""
    z, dof = COVERAGE_FACTOR, max(dof, FEWEST_DOF)
    return z + (z**3 + z) / (4 * dof) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * dof**2)
