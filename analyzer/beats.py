"""Which row of a ranking beats which: probabilities from joint draws, tie groups, agreement of two orders."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# From this probability on, a row is beaten and not tied.
BEATEN = 0.95
# Pairs compared for tau: their number grows with the square, so long tables get fewer draws.
PAIRS_IN_ALL = 40_000_000
FEWEST_DRAWS = 500


def beats(one: Floats, other: Floats) -> Floats:
    """Return P(one > other) over the last axis, the joint draws; equal draws count half."""
    more, less = np.count_nonzero(one > other, axis=-1), np.count_nonzero(one < other, axis=-1)
    return np.asarray((more - less) / np.shape(other)[-1] / 2 + 0.5)


def probabilities(draws: Floats) -> Floats:
    """Return P(row i beats row j) of rows × draws, in single precision: what it confuses is a tie anyway."""
    table = draws.astype(np.float32)
    wins = np.array([np.count_nonzero(row > table, axis=1) for row in table], np.float64)
    wins = wins.reshape(len(table), len(table)) / max(table.shape[1], 1)
    return np.asarray((wins + 1.0 - wins.T) / 2)


def tie_groups(draws: Floats) -> list[int]:
    """Return each row's tie group from rows × draws, rows best first.

    A row joins the open group unless the group's first beats it with 95 % or more; else it opens the next.
    """
    ties: list[int] = []
    first = 0
    for row in range(len(draws)):
        if row and float(beats(draws[first], draws[row])) >= BEATEN:
            first = row
            ties.append(ties[-1] + 1)
        else:
            ties.append(ties[-1] if ties else 1)
    return ties


def taus_of_draws(one: Floats, other: Floats) -> Floats:
    """Return Kendall's tau-b of two orders in each draw: both rows × draws, or one of them rows × 1.

    Equal values are ties. Of a long table only the first draws are looked at.
    """
    pairs_of_rows = max(len(one) * (len(one) - 1) // 2, 1)
    draws = max(PAIRS_IN_ALL // pairs_of_rows, FEWEST_DRAWS)
    signs = [_signs(one[:, :draws]), _signs(other[:, :draws])]
    agreement = (signs[0] * signs[1]).sum(axis=0, dtype=np.int64)
    pairs = [np.count_nonzero(sign, axis=0) for sign in signs]
    return np.asarray(agreement / np.sqrt(np.maximum(pairs[0] * pairs[1], 1)))


def _signs(draws: Floats) -> NDArray[np.int8]:
    """Return for each pair of rows and draw which one is higher: 1, -1, or 0."""
    upper, lower = np.triu_indices(len(draws), 1)
    return (draws[upper] > draws[lower]).astype(np.int8) - (draws[upper] < draws[lower]).astype(np.int8)


def kendall_tau(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Kendall's tau-b (Biometrika 33, 1945): 1 for equal orders, -1 for opposite ones.

    None where there is no order to compare: fewer than two rows, or all of one side equal.
    """
    signs = [
        np.sign(np.subtract.outer(values, values)).astype(np.int8) for values in map(np.asarray, (one, other))
    ]
    pairs = [int(np.count_nonzero(sign)) for sign in signs]
    if not all(pairs):
        return None
    agreement = int(np.einsum("ij,ij->", signs[0], signs[1], dtype=np.int64))
    return agreement / sqrt(pairs[0] * pairs[1])
