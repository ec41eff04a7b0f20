"""Monte Carlo draws of energy and accuracy for the rows of a ranking (JCGM 101), seeded by the inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.configurations import Accuracy, Configuration
from telemetry.contract.documents import Result

Floats = NDArray[np.float64]

# Random weights held at once when accuracies are drawn.
CHUNK = 2_000_000


@dataclass(frozen=True)
class Scatter:
    """Relative scatter of repeated trials, pooled over the configurations, and its degrees of freedom."""

    relative: float
    dof: int


def pooled_scatter(configurations: Sequence[Configuration]) -> Scatter:
    """Return how much trials of one configuration on one node differ (standard deviation of ln E).

    n trials on a node give n - 1 degrees of freedom; they add up over configurations and nodes.
    """
    squares, dof = 0.0, 0
    for configuration in configurations:
        if len(configuration.joules) < 2:
            continue
        logs, nodes = np.log(configuration.joules), np.array([trial.node for trial in configuration.trials])
        for node in configuration.nodes:
            here = logs[nodes == node]
            squares += float(np.sum((here - here.mean()) ** 2))
            dof += len(here) - 1
    return Scatter(float(np.sqrt(squares / dof)) if dof else 0.0, dof)


def draw_log_energies(
    configurations: Sequence[Configuration], scatter: Scatter, rng: np.random.Generator, draws: int
) -> Floats:
    """Return ln of the energy for 1,000 images (J): rows × draws.

    u² = max(scatter², the mean of the independent lines) / N, and the shared lines drawn once for a node.
    What few trials tell of the scatter is itself uncertain: it is drawn too, once for all rows, which makes
    each row's energy a t distribution of the pooled degrees of freedom. In the logarithm none is negative.
    """
    count = np.array([len(row.trials) for row in configurations])
    lines = np.array([sum(map(_own_variance, row.trials)) for row in configurations]) / count
    logs = rng.standard_normal((len(configurations), draws))
    logs *= np.sqrt(np.maximum(lines, scatter.relative**2) / count)[:, np.newaxis]
    if scatter.dof:
        logs[lines < scatter.relative**2] *= np.sqrt(scatter.dof / rng.chisquare(scatter.dof, draws))
    shares = shared_errors(configurations)
    logs += shares @ rng.standard_normal((shares.shape[1], draws))
    logs += np.log([row.mean_j for row in configurations])[:, np.newaxis]
    return logs


def _own_variance(trial: Result) -> float:
    """Return the relative variance of a trial's own lines (of its interval, where it has no lines)."""
    energy_j = trial.energy_j or 1.0
    if trial.budget:
        return sum(line.u_j**2 for line in trial.budget if not line.shared) / energy_j**2
    return ((trial.energy_u95_comparable_j or 0.0) / 2.0 / energy_j) ** 2


def _shared_lines(trial: Result) -> dict[str, float]:
    """Return the relative uncertainty of each line that all windows of the sensor share."""
    energy_j = trial.energy_j or 1.0
    if trial.budget:
        return {line.name: line.u_j / energy_j for line in trial.budget if line.shared and line.u_j}
    whole, comparable = trial.energy_u95_j or 0.0, trial.energy_u95_comparable_j or 0.0
    return {"gain": float(np.sqrt(max(whole**2 - comparable**2, 0.0))) / 2.0 / energy_j}


def shared_errors(configurations: Sequence[Configuration]) -> Floats:
    """Return by how much each shared error (node and line) moves each row: rows × errors."""
    columns: dict[tuple[str, str], int] = {}
    entries: list[tuple[int, int, float]] = []
    for row, configuration in enumerate(configurations):
        for trial in configuration.trials:
            for name, relative in _shared_lines(trial).items():
                column = columns.setdefault((trial.node, name), len(columns))
                entries.append((row, column, relative / len(configuration.trials)))
    shares = np.zeros((len(configurations), len(columns)))
    for row, column, share in entries:
        shares[row, column] += share
    return shares


def draw_accuracies(configurations: Sequence[Configuration], rng: np.random.Generator, draws: int) -> Floats:
    """Return accuracies: rows × draws. Rows with hits on the same subset are drawn together.

    One published accuracy of one model is one number, whatever row it stands in: it is drawn once.
    """
    drawn: list[list[tuple[int, Floats]]] = [[] for _ in configurations]
    together: dict[str, list[tuple[int, Accuracy]]] = defaultdict(list)
    published: dict[tuple[str, str | None, float, int | None], Floats] = {}
    for row, configuration in enumerate(configurations):
        for part in configuration.accuracies:
            if part.hits is not None and part.subset is not None:
                together[f"{part.subset} {part.n}"].append((row, part))
                continue
            name = (configuration.key[0], configuration.accuracy_origin, part.value, part.n)
            known = published.get(name)
            if known is None:
                known = _draw_binomial(part, rng, draws)
            if configuration.accuracy_origin != "measured":
                published[name] = known
            drawn[row].append((part.n or 1, known))
    for same in together.values():
        matrix = np.array([part.hits for _, part in same])
        for (row, _), accuracies in zip(same, _draw_paired(matrix, rng, draws), strict=True):
            drawn[row].append((matrix.shape[1], accuracies))
    return np.array([_weighted(parts) for parts in drawn]).reshape(len(configurations), draws)


def _weighted(parts: list[tuple[int, Floats]]) -> Floats:
    if len(parts) == 1:
        return parts[0][1]
    weights = np.array([n for n, _ in parts], np.float64)
    return np.asarray(weights @ np.array([accuracies for _, accuracies in parts]) / weights.sum())


def _draw_binomial(part: Accuracy, rng: np.random.Generator, draws: int) -> Floats:
    """Draw from Beta(k + ½, n - k + ½), Jeffreys' posterior; an accuracy without an n is exact."""
    if not part.n:
        return np.full(draws, part.value)
    right = part.value * part.n
    return rng.beta(right + 0.5, part.n - right + 0.5, draws)


def _draw_paired(hits: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Draw the accuracies of r rows on the same n images: r × draws.

    Every image gets one random weight for all rows (Bayesian bootstrap), so what the rows have in common
    cancels in their differences. Half an image that all get right and half a one that none does make each
    row's own distribution Jeffreys' Beta(k + ½, n - k + ½). Images with equal hits share a weight.
    """
    patterns, counts = np.unique(hits, axis=1, return_counts=True)
    drawn = np.empty((len(hits), draws))
    step = max(1, CHUNK // len(counts))
    for first in range(0, draws, step):
        size = min(step, draws - first)
        weights = rng.standard_gamma(counts, (size, len(counts)))
        right, wrong = rng.standard_gamma(0.5, (2, size))
        drawn[:, first : first + size] = (patterns @ weights.T + right) / (
            weights.sum(axis=1) + right + wrong
        )
    return drawn
