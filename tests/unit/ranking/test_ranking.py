from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.ranking import by_group, rank
from analyzer.sam import ScoreUndefined, sam
from analyzer.scoring import Score
from telemetry.contract.documents import Result
from tests.unit.ranking.made import better, line, trial, trials


def test_a_row_has_the_formula_at_the_pooled_accuracy_and_the_mean_energy() -> None:
    ranking = rank(trials("a", [900.0, 1000.0, 1100.0]))
    assert ranking.rows[0].sam == pytest.approx(sam(0.8, 1000.0))
    assert ranking.rows[0].energy == pytest.approx(1000.0)
    assert ranking.rows[0].sam_lo < ranking.rows[0].sam < ranking.rows[0].sam_hi


def test_the_best_score_ranks_first() -> None:
    ranking = rank([*trials("hungry", [3000.0]), *trials("frugal", [500.0])])
    assert [(row.rank, row.model) for row in ranking.rows] == [(1, "frugal"), (2, "hungry")]


def test_the_group_is_told() -> None:
    group = rank(trials("a", [1000.0])).group
    assert (group.device, group.power_mode, group.dataset, group.origin, group.sensor) == (
        "jetson-tx2",
        "MAXN",
        "imagenet-1k",
        "measured",
        "ina3221",
    )


def test_precisions_and_batch_sizes_never_pool() -> None:
    ranking = rank([trial("a", 0), trial("a", 1, precision="fp32"), trial("a", 2, batch_size=32)])
    assert [(row.precision, row.batch_size, row.trials) for row in ranking.rows] == [
        ("fp16", 1, 1),
        ("fp16", 32, 1),
        ("fp32", 1, 1),
    ]


def test_power_modes_and_origins_are_tables_of_their_own() -> None:
    mixed = [trial("a"), trial("a", 1, power_mode="MAXQ"), trial("a", 2, origin="estimated")]
    assert len(by_group(mixed)) == 3
    with pytest.raises(ValueError, match="one group of trials, not of 3"):
        rank(mixed)


def test_intervals_are_no_trials() -> None:
    assert by_group([trial("a", kind="interval")]) == {}


def test_the_trials_of_several_nodes_make_one_row() -> None:
    ranking = rank([trial("a", 0), trial("a", 1, node="tx2-2")])
    assert (ranking.rows[0].trials, ranking.rows[0].nodes) == (2, ("tx2-1", "tx2-2"))


def test_an_invalid_trial_is_refused_with_its_reasons() -> None:
    ranking = rank([trial("a"), trial("b", state="invalid", reasons=("coverage", "gap"))])
    assert [(refused.model, refused.reason) for refused in ranking.refused] == [
        ("b", "trial b-0: invalid: coverage, gap")
    ]


def test_a_degraded_trial_ranks_with_its_state() -> None:
    assert rank([trial("a"), trial("a", 1, state="degraded", reasons=("gap",))]).rows[0].state == "degraded"


def test_an_excluded_trial_stays_visible() -> None:
    ranking = rank([trial("a"), trial("a", 1, 9000.0)], excluded={"a-1": "the fan was off"})
    assert ranking.rows[0].trials == 1
    assert ranking.refused[0].reason == "trial a-1: excluded: the fan was off"


NO_ENERGY = {"energy_j": None, "j_per_1000": None, "budget": ()}
NO_IMAGES = {"images": None, "j_per_1000": None}


@pytest.mark.parametrize("missing", [NO_ENERGY, NO_IMAGES])
def test_a_trial_without_energy_for_each_image_is_refused(missing: dict[str, Any]) -> None:
    without = msgspec.structs.replace(trial("a"), **missing)
    assert rank([without]).refused[0].reason == "trial a-0: no energy for each image"


def test_a_model_without_accuracy_is_refused() -> None:
    assert rank([trial("a", accuracy=None)]).refused[0].reason == "no accuracy is known"


def test_an_energy_of_one_unit_or_less_is_refused() -> None:
    ranking = rank(trials("a", [800.0]), Score(unit="kJ"))
    assert ranking.rows == ()
    assert "above 1 unit" in ranking.refused[0].reason


def test_an_energy_whose_interval_reaches_one_unit_is_refused() -> None:
    ranking = rank(trials("a", [1010.0]), Score(unit="kJ"))
    assert ranking.refused[0].reason == "the energy's interval reaches 1 kJ: choose a smaller unit"


def test_the_unit_scales_energy_and_is_told() -> None:
    ranking = rank(trials("a", [7200.0]), Score(unit="Wh"))
    assert (ranking.unit, ranking.rows[0].energy) == ("Wh", pytest.approx(2.0))
    assert ranking.rows[0].sam == pytest.approx(sam(0.8, 2.0))


def test_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(ScoreUndefined, match="'cal'"):
        rank(trials("a", [1000.0]), Score(unit="cal"))


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_trials_changes_nothing(order: list[int]) -> None:
    all_trials = [*trials("a", [900.0, 950.0, 1000.0]), *trials("b", [990.0, 1010.0, 1030.0])]
    assert rank([all_trials[i] for i in order]) == rank(all_trials)


def test_when_a_result_was_computed_changes_nothing() -> None:
    again = trials("a", [900.0, 950.0], revision=7, reason="late frames", computed_at=12345)
    assert rank(again) == rank(trials("a", [900.0, 950.0]))


def test_equal_rows_are_even_and_tied() -> None:
    ranking = rank([*trials("a", [1000.0]), *trials("b", [1000.0])])
    assert better(ranking, "a", "b") == pytest.approx(0.5, abs=0.02)
    assert [row.tie_group for row in ranking.rows] == [1, 1]


def test_probabilities_of_a_pair_sum_to_one_and_the_diagonal_is_null() -> None:
    ranking = rank([*trials("a", [1000.0]), *trials("b", [1300.0])])
    assert better(ranking, "a", "b") + better(ranking, "b", "a") == pytest.approx(1.0)
    assert [ranking.p_better[i][i] for i in range(2)] == [None, None]


def test_a_gain_that_both_share_does_not_blur_their_order() -> None:
    def pair(**more: Any) -> list[Result]:
        exact = {"accuracy_origin": "timm", "accuracy_n": None}
        return [
            trial(name, 0, energy, budget=(line("gain", 0.05 * energy, shared=True),), **exact, **fields)
            for name, energy, fields in (("a", 1000.0, {}), ("b", 1020.0, more))
        ]

    assert better(rank(pair()), "a", "b") == 1.0
    assert better(rank(pair(node="tx2-2")), "a", "b") < 0.8


def test_without_a_budget_the_intervals_say_what_is_shared() -> None:
    ranking = rank(trials("a", [1000.0], budget=(), energy_u95_j=100.0, energy_u95_comparable_j=60.0))
    assert ranking.rows[0].energy_u95 == pytest.approx(98.0, rel=0.05)


def test_scatter_over_trials_counts_where_it_is_larger_than_the_budget() -> None:
    calm = rank(trials("a", [1000.0] * 10)).rows[0]
    rough = rank(trials("a", [900.0, 1100.0] * 5)).rows[0]
    assert rough.energy_u95 > 1.3 * calm.energy_u95


def test_scatter_is_pooled_over_models_and_its_degrees_of_freedom_are_told() -> None:
    ranking = rank([*trials("a", [990.0, 1010.0, 1000.0]), *trials("b", [1980.0, 2020.0, 2000.0])])
    assert ranking.scatter_dof == 4
    assert ranking.scatter == pytest.approx(0.01, rel=0.01)


def test_trials_of_one_each_have_no_scatter() -> None:
    ranking = rank([trial("a"), trial("b")])
    assert (ranking.scatter, ranking.scatter_dof) == (None, 0)


def test_few_rough_trials_draw_no_negative_energy() -> None:
    ranking = rank(trials("a", [600.0, 1000.0, 1400.0]))
    assert all(np.isfinite([ranking.rows[0].sam_lo, ranking.rows[0].sam, ranking.rows[0].energy_u95]))
    assert ranking.rows[0].sam_lo >= 0


def test_all_trials_refused_leave_an_empty_table() -> None:
    ranking = rank([trial("a", state="invalid", reasons=("aborted",))])
    assert (ranking.rows, ranking.p_better, len(ranking.refused)) == ((), (), 1)


def test_an_accuracy_that_is_no_fraction_is_refused() -> None:
    ranking = rank([trial("a"), trial("b", accuracy=81.4)])
    assert [row.model for row in ranking.rows] == ["a"]
    assert ranking.refused[0].reason == "trial b-0: an accuracy of 81.4: a fraction from 0 to 1 is expected"


@pytest.mark.parametrize("wrong", [{"a": 0.0}, {"a": -1.0}, {"b": 0.0}, {"b": float("nan")}])
def test_an_exponent_or_scale_that_is_not_above_zero_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ScoreUndefined, match="above 0"):
        Score(**wrong)


def test_of_a_long_table_the_first_rows_have_probabilities_and_all_have_ties() -> None:
    ranking = rank([trial(f"m{at}", 0, 500.0 + at) for at in range(210)])
    assert (len(ranking.rows), len(ranking.p_better), len(ranking.p_better[0])) == (210, 200, 200)
    assert all(row.tie_group >= 1 for row in ranking.rows)
