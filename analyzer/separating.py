"""What would tell two tied rows apart: more images, more trials, or both. Pure.

The logarithm of the ratio of two scores is near normal, and its variance has three parts: what the images do
not know of the accuracies, what the trials do not know of the energies, and what no repetition removes (the
sensor's own errors). With k times as many images the first is a k-th, with k times as many trials the
second. The pair is told apart where the ratio is 1.645 of its standard deviations from none (P = 0.95, as
tie groups ask), if the scores stay what they are now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from analyzer.rounding import rounded
from telemetry.contract.ranking import Separation

Floats = NDArray[np.float64]

SIGMAS = 1.6448536269514722
"""The standard normal's 95 % quantile."""
MOST = 1000.0
"""Beyond so many times the effort nobody waits for the answer: the two are equal for every purpose."""


@dataclass(frozen=True)
class Known:
    """A row as it is known: its score, draws of ln accuracy and of ln(log E), and what they rest on.

    `shared` is by how much each error that all trials share (1 σ) moves ln(log E). `images` is None where
    the accuracy is a published one, which no image measured here improves.
    """

    sam: float
    log_accuracy: Floats
    log_log_energy: Floats
    shared: Floats
    trials: int
    images: int | None


def separations(rows: Sequence[Known], ties: Sequence[int], a: float) -> Iterator[Separation]:
    """Yield for each row that is tied with the first of its group what would decide."""
    first = 0
    for at, row in enumerate(rows):
        if ties[at] != ties[first]:
            first = at
        elif at != first and row.sam > 0:
            yield _separation(rows[first], row, (first, at), a)


def _separation(first: Known, row: Known, places: tuple[int, int], a: float) -> Separation:
    needed = (log(first.sam / row.sam) / SIGMAS) ** 2
    accuracy = a**2 * float(np.var(first.log_accuracy - row.log_accuracy))
    energy = float(np.var(first.log_log_energy - row.log_log_energy))
    shared = min(float(np.sum((first.shared - row.shared) ** 2)), energy)
    own = energy - shared
    counted = [images for images in (first.images, row.images) if images is not None]
    images = _times(accuracy, needed - energy) if len(counted) == 2 else None
    trials = _times(own, needed - shared - accuracy)
    both = _times(accuracy + own, needed - shared) if len(counted) == 2 else None
    return Separation(
        rank=places[1] + 1,
        against=places[0] + 1,
        more_images=_more(images, max(counted, default=0)),
        more_trials=_more(trials, max(first.trials, row.trials)),
        times_both=None if both is None else rounded(both, 3),
    )


def _times(variance: float, room: float) -> float | None:
    """How many times as much is needed for a variance to fit into the room; None: never, or not in a life."""
    if room <= 0:
        return None
    times = variance / room
    return times if times <= MOST else None


def _more(times: float | None, have: int) -> int | None:
    return None if times is None else max(ceil(have * times) - have, 1)
