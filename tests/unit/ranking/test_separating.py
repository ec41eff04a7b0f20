"""What would tell two tied rows apart, against trials that are then really made."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.ranking import rank
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking, Separation
from tests.unit.ranking.made import line, packed, trial

EXACT: dict[str, Any] = {"accuracy_origin": "timm", "accuracy_n": None}
SCATTER = 0.08


def noisy(model: str, energy_j: float, count: int, rng: np.random.Generator) -> list[Result]:
    """Trials that scatter by 8 % around an energy, with an accuracy that is known exactly."""
    energies = (energy_j * np.exp(SCATTER * rng.standard_normal(count))).tolist()
    return [
        trial(model, at, energy, budget=(line("noise", 1e-4 * energy),), **EXACT)
        for at, energy in enumerate(energies)
    ]


def even(model: str, energy_j: float, **more: Any) -> list[Result]:
    """Three trials that lie evenly around an energy."""
    energies = [energy_j * (1 - SCATTER), energy_j, energy_j * (1 + SCATTER)]
    return [
        trial(model, at, energy, **{"budget": (line("noise", 1e-4 * energy),), **more})
        for at, energy in enumerate(energies)
    ]


def only(ranking: Ranking) -> Separation:
    [separation] = ranking.separations
    return separation


def test_rows_that_are_told_apart_need_nothing_more() -> None:
    assert rank([*even("near", 100.0, **EXACT), *even("far", 400.0, **EXACT)]).separations == ()


def test_equal_rows_are_decided_by_no_effort() -> None:
    separation = only(rank([*even("one", 100.0, **EXACT), *even("other", 100.0, **EXACT)]))
    assert (separation.more_trials, separation.more_images, separation.times_both) == (None, None, None)


def test_the_trials_that_are_asked_for_would_decide() -> None:
    asked = only(rank([*even("one", 100.0, **EXACT), *even("other", 107.0, **EXACT)])).more_trials
    assert asked is not None
    decided = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        count = 3 + asked
        ranking = rank([*noisy("one", 100.0, count, rng), *noisy("other", 107.0, count, rng)])
        decided += [row.model for row in ranking.rows if row.tie_group == 1] == ["one"]
    # Of differences that lie at the threshold on average, chance puts half above it.
    assert 10 <= decided <= 30


def test_published_accuracies_are_no_reason_to_measure_more_images() -> None:
    separation = only(rank([*even("one", 100.0, **EXACT), *even("other", 107.0, **EXACT)]))
    assert separation.more_images is None


def with_hits(model: str, right: int, images: int, **more: Any) -> list[Result]:
    """Hits on one subset; which images a model gets right is a matter of its name."""
    hits = np.random.default_rng(len(model)).permutation(images) < right
    said = {
        "hits": packed(hits),
        "subset": "s",
        "accuracy": right / images,
        "accuracy_n": images,
        "images": images,
        "j_per_1000": 100.0,
        "budget": (line("noise", 1e-3),),
    }
    return [trial(model, at, 100.0, **{**said, **more}) for at in range(3)]


def test_the_images_that_are_asked_for_decide_when_the_shares_stay() -> None:
    few = rank([*with_hits("one", 820, 1000), *with_hits("other", 800, 1000)])
    asked = only(few).more_images
    assert asked is not None
    for factor, tied in ((0.5, 2), (1.3, 1)):
        images = 1000 + round(asked * factor)
        one, other = round(images * 0.82), round(images * 0.80)
        more = rank([*with_hits("one", one, images), *with_hits("other", other, images)])
        assert sum(row.tie_group == 1 for row in more.rows) == tied
