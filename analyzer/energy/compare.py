"""How sure the ratio of two energies of one sensor is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from analyzer.energy.lines import COVERAGE_FACTOR


class _Line(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def u_j(self) -> float: ...
    @property
    def shared(self) -> bool: ...


class Compared(Protocol):
    """A result, or what `measure` returns."""

    @property
    def energy_j(self) -> float | None: ...
    @property
    def energy_u95_comparable_j(self) -> float | None: ...
    @property
    def budget(self) -> Sequence[_Line]: ...


def ratio_u95(first: Compared, second: Compared) -> float | None:
    """Return the relative 95 % uncertainty of first / second, two windows of one sensor; None: no energies.

    The relative comparable uncertainties add in quadrature, less the covariance of what both share (JCGM 100
    F.1.2.3): a gain is in neither, and of an offset there remains what it weighs more in the one than in the
    other.
    """
    one, other = _relative(first), _relative(second)
    if one is None or other is None:
        return None
    (u95, shared), (other_u95, other_shared) = one, other
    common = sum(u * other_shared.get(name, 0.0) for name, u in shared.items())
    return float(np.sqrt(max(u95**2 + other_u95**2 - 2 * COVERAGE_FACTOR**2 * common, 0.0)))


def _relative(window: Compared) -> tuple[float, dict[str, float]] | None:
    if not window.energy_j or window.energy_u95_comparable_j is None:
        return None
    energy_j = abs(window.energy_j)
    shared = {line.name: line.u_j / energy_j for line in window.budget if line.shared and line.name != "gain"}
    return window.energy_u95_comparable_j / energy_j, shared
