"""Configurations whose accuracy and energy are known: a ranking must say exactly that, over 100 seeds.

Chance has its share: at P = 0.95 two equal models are told apart in one of ten worlds (one of twenty each
way), and a difference of 3 σ is missed in one of eight. So the same truth is told twice: by trials that lie
evenly around it, where nothing may go wrong, and by trials that chance scatters, where it may that often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

from analyzer.ranking import by_group, rank
from analyzer.sam import sam
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking, RankingRow
from tests.unit.ranking.made import better, line, packed, trial

SEEDS = range(100)
SCATTER = 0.02  # of one trial, relative, 1 σ
GAIN = 0.005  # of a node's sensor, relative, 1 σ
TRIALS = 3
APART = SCATTER * np.sqrt(2 / TRIALS)  # 1 σ of the difference of two means
EXACT: dict[str, Any] = {"accuracy_origin": "timm", "accuracy_n": None}

Noise = Callable[[int], float]


class Truth(NamedTuple):
    accuracy: float
    energy_j: float
    images: int | None = None  # None: the accuracy is known exactly

    @property
    def sam(self) -> float:
        return sam(self.accuracy, self.energy_j)


WORLD = {
    "equal-one": Truth(0.80, 400.0),
    "equal-two": Truth(0.80, 400.0),
    "three-sigma": Truth(0.80, float(400.0 * np.exp(3 * APART))),
    "degraded": Truth(0.75, 2000.0),
    "few-images": Truth(0.73, 2500.0, images=100),
}


def told(name: str, truth: Truth, noise: Noise, rng: np.random.Generator, **more: Any) -> list[Result]:
    """The trials of one configuration; `noise`: what trial i's ln E is off by."""
    fields: dict[str, Any] = {"accuracy": truth.accuracy, **EXACT}
    if truth.images:
        fields = {"accuracy": truth.accuracy, "accuracy_n": truth.images, "images": truth.images}
    fields = {**fields, **more}
    return [
        trial(
            name,
            index,
            energy_j,
            window=f"{name}-{index}-{rng.integers(1 << 32)}",
            budget=(line("noise", 0.2 * SCATTER * energy_j), line("gain", GAIN * energy_j, shared=True)),
            **fields,
        )
        for index in range(TRIALS)
        for energy_j in [float(truth.energy_j * np.exp(noise(index)))]
    ]


def world(seed: int, noise_of: Callable[[np.random.Generator], Noise]) -> list[Result]:
    """Every configuration's trials in an order of chance; one model more on another origin, one invalid."""
    rng = np.random.default_rng([4, seed])
    results: list[Result] = []
    for name, truth in WORLD.items():
        state = {"state": "degraded", "reasons": ("gap",)} if name == "degraded" else {}
        results += told(name, truth, noise_of(rng), rng, **state)
    results += told("guessed", Truth(0.99, 10.0), noise_of(rng), rng, origin="estimated")
    results += told("broken", Truth(0.99, 10.0), noise_of(rng), rng, state="invalid", reasons=("aborted",))
    return [results[at] for at in rng.permutation(len(results))]


def evenly(rng: np.random.Generator) -> Noise:
    """Three trials evenly around the truth, in an order of chance; their standard deviation is SCATTER."""
    off = rng.permutation([-1.0, 0.0, 1.0])
    return lambda index: float(SCATTER * off[index])


def by_chance(rng: np.random.Generator) -> Noise:
    return lambda index: float(SCATTER * rng.standard_normal())


def ranked(results: list[Result]) -> Ranking:
    groups = {group.origin: trials for group, trials in by_group(results).items()}
    assert set(groups) == {"measured", "estimated"}
    return rank(groups["measured"])


@cache
def even_rankings() -> list[Ranking]:
    return [ranked(world(seed, evenly)) for seed in SEEDS]


@cache
def chance_rankings() -> list[Ranking]:
    return [ranked(world(seed, by_chance)) for seed in SEEDS]


def test_the_order_is_the_true_one() -> None:
    for ranking in even_rankings():
        names = [row.model for row in ranking.rows]
        assert set(names[:2]) == {"equal-one", "equal-two"}
        assert names[2:] == ["three-sigma", "degraded", "few-images"]


def test_equals_are_tied_and_three_sigma_are_not() -> None:
    for ranking in even_rankings():
        assert [row.tie_group for row in ranking.rows] == [1, 1, 2, 3, 3]


def test_the_probabilities_are_those_of_the_truth() -> None:
    # The scatter of 5 configurations × 2 degrees of freedom is known no better than that: a t distribution.
    apart = stats.t.cdf(3.0, 10)
    # Only accuracy matters between these two: Jeffreys' posterior of 73 right of 100.
    rng = np.random.default_rng(1)
    few = 5 * rng.beta(73.5, 27.5, 200_000) ** 5 / np.log10(2500.0)
    behind = np.mean(few < WORLD["degraded"].sam)
    for ranking in even_rankings():
        assert better(ranking, "equal-one", "equal-two") == pytest.approx(0.5, abs=0.02)
        assert better(ranking, "equal-one", "three-sigma") == pytest.approx(apart, abs=0.004)
        assert better(ranking, "three-sigma", "degraded") == 1.0
        assert better(ranking, "degraded", "few-images") == pytest.approx(behind, abs=0.02)


def test_what_is_refused_is_named_with_the_reason_and_nothing_else_is() -> None:
    for ranking in even_rankings():
        assert [refused.model for refused in ranking.refused] == ["broken"] * TRIALS
        assert all(refused.reason.endswith("invalid: aborted") for refused in ranking.refused)


def test_another_origin_stands_in_a_table_of_its_own() -> None:
    for ranking in even_rankings():
        assert ranking.group.origin == "measured"
        assert "guessed" not in {row.model for row in ranking.rows}


def test_a_degraded_row_shows_its_state_and_the_others_are_valid() -> None:
    for ranking in even_rankings():
        states = {row.model: row.state for row in ranking.rows}
        assert states.pop("degraded") == "degraded"
        assert set(states.values()) == {"valid"}


def test_fewer_images_widen_the_interval_as_their_number_says() -> None:
    for ranking in even_rankings():
        few = next(row for row in ranking.rows if row.model == "few-images")
        width = (few.sam_hi - few.sam_lo) / few.sam
        low, high = stats.beta(73.5, 27.5).ppf([0.025, 0.975])
        assert width == pytest.approx((high**5 - low**5) / 0.73**5, rel=0.05)


def test_the_degrees_of_freedom_are_told() -> None:
    for ranking in even_rankings():
        assert ranking.scatter_dof == 5 * (TRIALS - 1)
        assert ranking.scatter == pytest.approx(SCATTER, rel=1e-5)


def test_chance_tells_equals_apart_in_one_of_ten_worlds() -> None:
    apart = [not 0.05 < better(ranking, "equal-one", "equal-two") < 0.95 for ranking in chance_rankings()]
    # 10 of 100 are expected; more than 20 or fewer than 2 happen by chance once in a thousand times.
    assert 2 <= sum(apart) <= 20


def test_the_probability_that_one_of_two_equals_is_better_is_even() -> None:
    found = [better(ranking, "equal-one", "equal-two") for ranking in chance_rankings()]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_chance_hides_three_sigma_as_often_as_it_should() -> None:
    """P ≥ 0.95 needs 1.81 of the t distribution, and 3 σ show less than that in about one of eight worlds."""
    seen = [better(ranking, "equal-one", "three-sigma") >= 0.95 for ranking in chance_rankings()]
    power = 1 - stats.nct.cdf(stats.t.ppf(0.95, 10), 10, 3.0)
    assert abs(sum(seen) - 100 * power) <= 3 * np.sqrt(100 * power * (1 - power))


def test_no_world_puts_what_is_far_behind_in_front() -> None:
    for ranking in chance_rankings():
        assert {row.model for row in ranking.rows[3:]} == {"degraded", "few-images"}


# ---- coverage: labelled images, two nodes with a gain each, trials that chance scatters ----

MEASURED = {
    "a": Truth(0.70, 300.0, images=1000),
    "b": Truth(0.76, 500.0, images=1000),
    "c": Truth(0.79, 800.0, images=1000),
    "d": Truth(0.82, 1300.0, images=1000),
    "e": Truth(0.85, 2100.0, images=1000),
    "f": Truth(0.82, 700.0, images=200),
}


def measured_world(seed: int) -> Iterator[Result]:
    """Six models on two nodes; models agree on most images, as real ones do."""
    rng = np.random.default_rng([5, seed])
    gains = {node: GAIN * rng.standard_normal() for node in ("tx2-1", "tx2-2")}
    difficulty = rng.random(1000)
    for name, truth in MEASURED.items():
        assert truth.images is not None
        own = np.where(rng.random(1000) < 0.7, difficulty, rng.random(1000))
        hits = (own < truth.accuracy)[: truth.images]
        for index in range(TRIALS):
            node = "tx2-2" if name in "ab" and index == 0 else "tx2-1"
            off = gains[node] + SCATTER * rng.standard_normal()
            energy_j = float(truth.energy_j * np.exp(off))
            yield trial(
                name,
                index,
                energy_j,
                node=node,
                subset=f"first-{truth.images}",
                hits=packed(hits),
                accuracy=float(hits.mean()),
                accuracy_n=truth.images,
                images=truth.images,
                budget=(line("noise", 0.2 * SCATTER * energy_j), line("gain", GAIN * energy_j, shared=True)),
            )


@cache
def measured_rows() -> list[tuple[RankingRow, Truth]]:
    rankings = [rank(list(measured_world(seed))) for seed in SEEDS]
    return [(row, MEASURED[row.model]) for ranking in rankings for row in ranking.rows]


def test_the_interval_of_sam_covers_the_truth_in_95_of_100_cases() -> None:
    covered = [row.sam_lo <= truth.sam <= row.sam_hi for row, truth in measured_rows()]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_the_interval_misses_on_both_sides_alike() -> None:
    below = np.mean([truth.sam < row.sam_lo for row, truth in measured_rows()])
    above = np.mean([truth.sam > row.sam_hi for row, truth in measured_rows()])
    assert max(below, above) <= 0.045


def test_the_uncertainty_of_the_energy_covers_the_truth_in_95_of_100_cases() -> None:
    covered = [abs(row.energy - truth.energy_j) <= row.energy_u95 for row, truth in measured_rows()]
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize(("models", "count"), [(1, 2), (1, 3), (2, 2), (4, 3)])
def test_few_trials_still_cover_the_truth(models: int, count: int) -> None:
    """Two trials of one model leave one degree of freedom: the interval is wide, and right."""
    covered = []
    for seed in range(400):
        rng = np.random.default_rng([6, seed])
        trials = [
            trial(
                f"m{model}",
                index,
                float(500.0 * np.exp(SCATTER * rng.standard_normal())),
                budget=(line("noise", 1e-3),),
                **EXACT,
            )
            for model in range(models)
            for index in range(count)
        ]
        covered += [row.sam_lo <= sam(0.8, 500.0) <= row.sam_hi for row in rank(trials).rows]
    assert 0.925 <= np.mean(covered) <= 0.975
