"""Energies that follow from the facts, with an error of each family's own: predictions must know both."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from analyzer.candidates import Candidate
from analyzer.prediction import Fit, facts_of, fit
from analyzer.scoring import Score
from analyzer.suggesting import Suggestions, suggest
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from tests.unit.ranking.made import trials

SEEDS = range(150)
OWN, FAMILY = 0.1, 0.2  # what ln E of a model, and of a family, is off by


def candidate(name: str, family: str, rng: np.random.Generator) -> Candidate:
    return Candidate(
        model=name,
        top1_percent=80.0,
        params_m=float(exp(rng.uniform(log(3), log(30)))),
        macs_g=float(exp(rng.uniform(log(0.4), log(6)))),
        family=family,
        image_size=224,
        hybrid=bool(rng.random() < 0.5),
        distilled=bool(rng.random() < 0.5),
    )


def lawful(each: Candidate) -> float:
    """ln E that follows from the facts alone."""
    return 5.0 + 0.2 * log(each.params_m) + 0.7 * log(each.macs_g) - 0.2 * bool(each.hybrid)


def measured(families: int, models: int, rng: np.random.Generator) -> list[tuple[Candidate, float]]:
    found = []
    for family in range(families):
        off = FAMILY * rng.standard_normal()
        for at in range(models):
            each = candidate(f"m{family}-{at}", f"f{family}", rng)
            found.append((each, lawful(each) + off + OWN * rng.standard_normal()))
    return found


def fitted(known: list[tuple[Candidate, float]]) -> Fit:
    found = fit(known)
    assert found is not None
    return found


def test_energies_that_follow_from_the_facts_are_predicted() -> None:
    rng = np.random.default_rng(1)
    known = [(each, lawful(each)) for each, _ in measured(8, 3, rng)]
    new = candidate("new", "unseen", rng)
    assert fitted(known).predict(new).centre == pytest.approx(lawful(new), abs=0.02)


def test_a_fact_that_is_the_same_everywhere_tells_nothing() -> None:
    """All image sizes are 224, so another size changes no prediction."""
    rng = np.random.default_rng(2)
    found = fitted(measured(5, 3, rng))
    assert 2 not in found.line.kept
    assert len(facts_of(candidate("new", "unseen", rng))) == 5


def test_the_error_is_that_of_families_left_out() -> None:
    """Twelve families, each off by 0.2 of its own: within a family nothing would be seen of it."""
    errors = [fitted(measured(12, 4, np.random.default_rng([3, seed]))).error for seed in range(20)]
    assert np.mean(errors) == pytest.approx(np.hypot(FAMILY, OWN), rel=0.25)


def test_what_is_far_from_all_that_was_measured_is_less_sure() -> None:
    rng = np.random.default_rng(4)
    found = fitted(measured(6, 3, rng))
    near, far = (Candidate("x", 80.0, params, macs) for params, macs in ((10.0, 1.5), (300.0, 60.0)))
    assert found.predict(far).spread > 1.3 * found.predict(near).spread


@pytest.mark.parametrize("known", [[], measured(2, 5, np.random.default_rng(5))])
def test_too_few_families_make_no_prediction(known: list[tuple[Candidate, float]]) -> None:
    assert fit(known) is None


def test_the_interval_covers_a_model_of_an_unseen_family() -> None:
    covered = []
    for seed in SEEDS:
        for families, models in ((6, 4), (10, 2)):
            rng = np.random.default_rng([6, seed, families])
            found = fitted(measured(families, models, rng))
            new = candidate("new", "unseen", rng)
            truth = lawful(new) + FAMILY * rng.standard_normal() + OWN * rng.standard_normal()
            low, high = found.interval(found.predict(new))
            covered.append(low <= truth <= high)
    assert 0.93 <= np.mean(covered) <= 0.97


# ---- suggestions ----

RNG = np.random.default_rng(7)
FACTS = {each.model: each for each, _ in measured(6, 2, RNG)}
THRIFTY = Candidate("thrifty", 84.0, 5.0, 0.5, family="f0", image_size=224, hybrid=False, distilled=False)
HUNGRY = Candidate("hungry", 79.0, 20.0, 4.9, family="new", image_size=224, hybrid=False, distilled=False)


def told(**more: object) -> list[Result]:
    return [
        each
        for model, facts in FACTS.items()
        for each in trials(model, [exp(lawful(facts)), 1.01 * exp(lawful(facts))], **more)
    ]


def suggested(results: list[Result], *candidates: Candidate) -> Suggestions:
    return suggest(results, candidates, FACTS, Score())


def test_who_may_gain_most_comes_first() -> None:
    rows = suggested(told(), HUNGRY, THRIFTY).rows
    assert [each.model for each in rows] == ["thrifty", "hungry"]
    assert rows[0].gain is not None
    assert rows[1].gain is not None
    assert rows[0].gain > rows[1].gain


def test_everything_suggested_is_marked_as_predicted() -> None:
    found = suggested(told(), HUNGRY, THRIFTY)
    assert all(each.predicted for each in found.rows)
    assert {each.model: each.family_measured for each in found.rows} == {"thrifty": True, "hungry": False}


def test_what_was_measured_is_not_suggested() -> None:
    found = suggested(told(), next(iter(FACTS.values())), THRIFTY)
    assert [each.model for each in found.rows] == ["thrifty"]


def test_on_another_data_set_no_gain_is_told() -> None:
    [row] = suggested(told(dataset="cifar-10"), THRIFTY).rows
    assert (row.sam, row.p_better, row.gain) == (None, None, None)
    assert row.energy_lo < row.energy < row.energy_hi


def test_three_models_are_too_few_to_learn_from() -> None:
    few = [each for each in told() if each.model in list(FACTS)[:3]]
    with pytest.raises(UserError, match=r"3 models of 2 families .* needs 6 models of 3 families"):
        suggested(few, THRIFTY)
