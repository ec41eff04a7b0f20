"""Tables whose truth is known: models, images, trials and sensors are drawn anew for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analyzer.ranking import rank
from analyzer.sam import sam
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking
from tests.unit.ranking.made import line, packed, trial

GAIN = 0.01  # of a node's sensor, relative, 1 σ
ALIKE = 0.7  # the share of images that are as hard for one model as for the others
NODES = ("tx2-1", "tx2-2")


class Truth(NamedTuple):
    """A model as it is: accuracy (0-1), joules for 1,000 images, the node it runs on."""

    accuracy: float
    energy_j: float
    node: str

    @property
    def sam(self) -> float:
        return sam(self.accuracy, self.energy_j)


class Table(NamedTuple):
    """A ranking of trials that chance scattered, and the truth of each of its rows."""

    ranking: Ranking
    truths: tuple[Truth, ...]


def drawn(seed: int) -> Table:
    """4 to 12 models on two nodes with a gain each, 2 to 5 trials of each on 200 to 1,000 labelled images."""
    rng = np.random.default_rng([31, seed])
    truths = {
        f"m{at}": Truth(
            accuracy=float(rng.uniform(0.70, 0.86)),
            energy_j=float(400.0 * np.exp(0.7 * rng.standard_normal())),
            node=str(rng.choice(NODES)),
        )
        for at in range(int(rng.integers(4, 13)))
    }
    # NetScore knows something of it: it agrees with the truth here more, there less.
    netscores = {name: 100.0 * each.sam + 10.0 * rng.standard_normal() for name, each in truths.items()}
    ranking = rank(list(_trials(truths, rng)), netscores=netscores)
    return Table(ranking, tuple(truths[row.model] for row in ranking.rows))


def _trials(truths: dict[str, Truth], rng: np.random.Generator) -> Iterator[Result]:
    scatter = float(rng.choice((0.01, 0.03, 0.1)))
    count, images = int(rng.integers(2, 6)), int(rng.choice((200, 500, 1000)))
    gains = {node: GAIN * rng.standard_normal() for node in NODES}
    difficulty = rng.random(images)
    for name, truth in truths.items():
        own = np.where(rng.random(images) < ALIKE, difficulty, rng.random(images))
        hits = own < truth.accuracy
        for index in range(count):
            off = gains[truth.node] + scatter * rng.standard_normal()
            energy_j = float(truth.energy_j * np.exp(off))
            yield trial(
                name,
                index,
                energy_j,
                node=truth.node,
                subset=f"first-{images}",
                hits=packed(hits),
                accuracy=float(hits.mean()),
                accuracy_n=images,
                images=images,
                budget=(line("noise", 0.2 * scatter * energy_j), line("gain", GAIN * energy_j, shared=True)),
            )
