from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.outlook import Measured, other_orders, pareto_front
from analyzer.ranking import rank
from analyzer.regret import around_tau
from analyzer.sam import sam
from analyzer.scoring import Score
from telemetry.contract.documents import Result
from telemetry.contract.ranking import OtherOrder, Ranking
from tests.unit.ranking.made import line, trials

EXACT: dict[str, Any] = {"accuracy_origin": "timm", "accuracy_n": None}


def exact(model: str, energy_j: float, accuracy: float) -> list[Result]:
    return trials(model, [energy_j] * 3, accuracy=accuracy, budget=(line("noise", 1e-4 * energy_j),), **EXACT)


def order_at(ranking: Ranking, a: float, unit: str = "J") -> OtherOrder:
    return next(order for order in ranking.sensitivity if (order.a, order.unit) == (a, unit))


# 70 % for 100 J, 80 % for 1,000 J: acc/log10(E) is 0.35 against 0.27, acc^5/log10(E) 0.084 against 0.109.
FRUGAL = exact("frugal", 100.0, 0.70)
RIGHT = exact("right", 1000.0, 0.80)


def test_every_other_exponent_and_every_other_unit_is_tried() -> None:
    tried = [(order.a, order.unit) for order in rank([*FRUGAL, *RIGHT]).sensitivity]
    assert tried == [(1.0, "J"), (3.0, "J"), (7.0, "J"), (5.0, "mJ"), (5.0, "kJ"), (5.0, "Wh")]


def test_an_order_that_changes_is_marked() -> None:
    ranking = rank([*FRUGAL, *RIGHT])
    assert [row.model for row in ranking.rows] == ["right", "frugal"]
    assert (order_at(ranking, 1.0).order, order_at(ranking, 1.0).changed) == ((2, 1), True)
    assert (order_at(ranking, 7.0).order, order_at(ranking, 7.0).changed) == ((1, 2), False)


def test_the_unit_alone_can_change_an_order_and_b_cannot() -> None:
    pair = [*exact("frugal", 100.0, 0.70), *exact("right", 1000.0, 0.75)]
    in_joules, in_millijoules = rank(pair), rank(pair, Score(unit="mJ"))
    assert [row.model for row in in_joules.rows] == ["frugal", "right"]
    assert [row.model for row in in_millijoules.rows] == ["right", "frugal"]
    assert order_at(in_joules, 5.0, "mJ").changed
    assert [row.model for row in rank(pair, Score(b=1.0)).rows] == ["frugal", "right"]


def test_rows_without_a_value_in_a_unit_are_named_and_do_not_count_as_a_change() -> None:
    order = order_at(rank([*FRUGAL, *exact("right", 5000.0, 0.90)]), 5.0, "kJ")
    assert (order.order, order.undefined, order.changed) == ((1,), (2,), False)


def test_a_change_within_a_tie_group_is_no_change_beyond_ties() -> None:
    ties_together = other_orders(Measured([0.8, 0.7], [1000.0, 100.0], [1, 1]), 5.0, "J")
    ties_apart = other_orders(Measured([0.8, 0.7], [1000.0, 100.0], [1, 2]), 5.0, "J")
    assert (ties_together[0].changed, ties_together[0].beyond_ties) == (True, False)
    assert (ties_apart[0].changed, ties_apart[0].beyond_ties) == (True, True)


def test_the_front_has_every_row_that_none_beats_in_both() -> None:
    accuracy, energy = [0.8, 0.9, 0.7, 0.85], [100.0, 200.0, 150.0, 120.0]
    assert pareto_front(accuracy, energy) == [0, 3, 1]


def test_equal_rows_are_on_the_front_together() -> None:
    assert pareto_front([0.8, 0.8, 0.8], [100.0, 100.0, 101.0]) == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1, max_size=10))
def test_a_row_is_on_the_front_exactly_when_no_other_dominates_it(rows: list[tuple[int, int]]) -> None:
    def dominated(row: tuple[int, int]) -> bool:
        return any(a >= row[0] and e <= row[1] and (a, e) != row for a, e in rows)

    front = pareto_front([float(a) for a, _ in rows], [float(e) for _, e in rows])
    assert sorted(front) == [at for at, row in enumerate(rows) if not dominated(row)]


def test_the_ranking_names_the_front_by_rank() -> None:
    ranking = rank([*FRUGAL, *RIGHT, *exact("worse", 1100.0, 0.75)])
    assert sorted(ranking.rows[at - 1].model for at in ranking.pareto) == ["frugal", "right"]


def test_netscore_that_agrees_has_a_tau_of_one_and_no_regret() -> None:
    check = rank([*FRUGAL, *RIGHT], netscores={"frugal": 50.0, "right": 60.0}).netscore
    assert check is not None
    assert (check.tau, check.pick, check.regret, check.regret_hi) == (1.0, 1, 0.0, 0.0)


def test_the_regret_of_another_pick_is_the_share_of_the_best_score_that_it_loses() -> None:
    check = rank([*FRUGAL, *RIGHT], netscores={"frugal": 70.0, "right": 60.0}).netscore
    assert check is not None
    lost = 1 - sam(0.70, 100.0) / sam(0.80, 1000.0)
    assert (check.tau, check.pick) == (-1.0, 2)
    assert check.regret == pytest.approx(lost)
    assert check.regret_lo <= lost <= check.regret_hi


def test_models_without_a_netscore_are_named_and_left_aside() -> None:
    own = exact("own", 50.0, 0.9)
    check = rank([*FRUGAL, *RIGHT, *own], netscores={"frugal": 50.0, "right": 60.0}).netscore
    assert check is not None
    assert check.unknown == ("own",)
    assert [row.rank for row in check.rows] == [2, 3]
    assert check.regret == 0.0


def test_two_configurations_of_one_model_share_their_place() -> None:
    half = trials("right", [900.0] * 3, precision="bf16", accuracy=0.80, **EXACT)
    check = rank([*FRUGAL, *RIGHT, *half], netscores={"frugal": 50.0, "right": 60.0}).netscore
    assert check is not None
    assert [row.netscore_rank for row in check.rows] == [1, 1, 3]
    assert check.pick == 1


def test_fewer_than_two_known_models_are_not_compared() -> None:
    assert rank([*FRUGAL, *RIGHT], netscores={"frugal": 50.0}).netscore is None


def test_noise_hides_how_alike_two_orders_are_and_the_interval_of_tau_knows_it() -> None:
    """Draws that agree less with NetScore than the measured order: the truth may agree more."""
    draws = np.array([0.2, 0.4, 0.4, 0.6])
    found = around_tau(0.6, draws)
    assert found == {"tau_lo": 0.2, "tau_hi": pytest.approx(0.6 + 2 * (0.6 - 0.4))}
    assert around_tau(0.9, draws)["tau_hi"] == 1.0
    assert around_tau(-0.9, draws)["tau_lo"] == -1.0


def test_a_long_table_has_an_interval_of_tau_too() -> None:
    models = {f"m{at:02}": 100.0 * 1.05**at for at in range(70)}
    results = [
        each for name, energy in models.items() for each in trials(name, [energy, 1.01 * energy], **EXACT)
    ]
    check = rank(results, netscores={name: -energy for name, energy in models.items()}).netscore
    assert check is not None
    assert check.tau == 1.0
    assert 0.9 < (check.tau_lo or 0.0) <= 1.0
