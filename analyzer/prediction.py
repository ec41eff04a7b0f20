"""A plain prediction of a model's energy on a device from what is known on paper. Pure.

Ridge regression of ln E on ln parameters, ln MACs, ln image size, and whether a model is hybrid or distilled.
How wrong it is for models of a family that was not measured is found by leaving each family out in turn; the
interval of a prediction rests on that, and widens with the distance from what was measured. It suggests what
to measure next. It is no measurement, and stands in no ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from analyzer.candidates import Candidate
from analyzer.contrasts import student_975

Floats = NDArray[np.float64]

FACTS = ("ln parameters", "ln MACs", "ln image size", "hybrid", "distilled")
LEAST_MODELS = 6
LEAST_FAMILIES = 3
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TINY = 1e-9


@dataclass(frozen=True)
class Predicted:
    """ln E (J for 1,000 images) of one model: `centre`, and `spread`, the scale of a t of the fit's `dof`."""

    centre: float
    spread: float


@dataclass(frozen=True)
class _Line:
    """Ridge in standardised facts: constant facts tell nothing and are left out."""

    kept: NDArray[np.intp]
    middle: Floats
    scale: Floats
    inverse: Floats
    slopes: Floats
    level: float
    count: float

    def at(self, facts: Floats) -> tuple[float, float]:
        """The prediction, and the leverage: how far its error exceeds that of one model by."""
        x = (facts[self.kept] - self.middle) / self.scale
        return self.level + float(x @ self.slopes), 1.0 / self.count + float(x @ self.inverse @ x)


@dataclass(frozen=True)
class Fit:
    """A fit of one device's models. `error` is the rms of ln E over the families left out, each alike.

    `spread` is the same without what leverage adds; of its degrees of freedom the level takes one, and the
    penalty that was chosen another.
    """

    line: _Line
    penalty: float
    models: int
    families: int
    error: float
    spread: float

    @property
    def dof(self) -> int:
        return self.families - 2

    def predict(self, candidate: Candidate) -> Predicted:
        """The energy of a model that was not measured."""
        centre, leverage = self.line.at(facts_of(candidate))
        return Predicted(centre, self.spread * float(np.sqrt(1.0 + leverage)))

    def interval(self, predicted: Predicted) -> tuple[float, float]:
        """Both ends of the 95 % interval of ln E."""
        half = student_975(self.dof) * predicted.spread
        return predicted.centre - half, predicted.centre + half


def facts_of(candidate: Candidate) -> Floats:
    """Return what a prediction rests on, in the order of `FACTS`; an unknown image size is 224."""
    return np.array(
        [
            log(candidate.params_m),
            log(candidate.macs_g),
            log(candidate.image_size or 224),
            float(bool(candidate.hybrid)),
            float(bool(candidate.distilled)),
        ]
    )


def fit(measured: Sequence[tuple[Candidate, float]]) -> Fit | None:
    """Return the fit of models and their ln E; None with fewer than six models or three families."""
    names = [candidate.family or candidate.model for candidate, _ in measured]
    families = sorted(set(names))
    if len(measured) < LEAST_MODELS or len(families) < LEAST_FAMILIES:
        return None
    facts = np.array([facts_of(candidate) for candidate, _ in measured])
    logs = np.array([log_energy for _, log_energy in measured])
    folds = [np.array([name == family for name in names]) for family in families]
    weights = np.sum([out / out.sum() for out in folds], axis=0)
    errors = {penalty: _left_out(facts, logs, folds, weights, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda each: errors[each][0])
    error, spread = errors[penalty]
    return Fit(_line(facts, logs, weights, penalty), penalty, len(measured), len(families), error, spread)


def _left_out(
    facts: Floats, logs: Floats, folds: Sequence[NDArray[np.bool_]], weights: Floats, penalty: float
) -> tuple[float, float]:
    """Return the rms error over families left out, and the same in units of what leverage allows for."""
    plain, scaled = [], []
    for out in folds:
        line = _line(facts[~out], logs[~out], weights[~out], penalty)
        found = [line.at(each) for each in facts[out]]
        squares = (logs[out] - [centre for centre, _ in found]) ** 2
        plain.append(squares.mean())
        scaled.append((squares / (1.0 + np.array([leverage for _, leverage in found]))).mean())
    return float(np.sqrt(np.mean(plain))), float(np.sqrt(np.mean(scaled)))


def _line(facts: Floats, logs: Floats, weights: Floats, penalty: float) -> _Line:
    """The fit in which each family weighs as one model: what its models share is one error, not several."""
    share = weights / weights.sum()
    middle = share @ facts
    scale = np.sqrt(share @ (facts - middle) ** 2)
    kept = np.flatnonzero(scale > TINY)
    x = (facts[:, kept] - middle[kept]) / scale[kept]
    weighted = x.T * weights
    inverse = np.linalg.inv(weighted @ x + penalty * np.eye(len(kept)))
    level = float(share @ logs)
    slopes = inverse @ weighted @ (logs - level)
    return _Line(kept, middle[kept], scale[kept], inverse, slopes, level, float(weights.sum()))
