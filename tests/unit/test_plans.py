"""Trial plans that outlive their command: what is run again, what is not, and when a plan is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from e3p.plans import Ended, Plan, Shelf
from telemetry.contract.errors import UserError

PLAN = Plan(group="g", python="python3", spec={"models": ["a", "b"], "trials": 2})
FIRST = Ended("a", 0, "t1")


def ended(plan: Plan) -> Plan:
    for model, index in (("a", 0), ("b", 0), ("a", 1), ("b", 1)):
        plan = plan.having(Ended(model, index, f"{model}{index}", "valid"))
    return plan


def test_a_plan_is_found_as_it_was_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "trials")
    shelf.keep(PLAN.having(FIRST))
    assert shelf.find("g") == PLAN.having(FIRST)


def test_a_trial_that_ended_is_not_left(tmp_path: Path) -> None:
    assert (PLAN.left, PLAN.having(FIRST).left) == (4, 3)
    assert PLAN.having(FIRST).done == (("a", 0),)


def test_an_invalid_trial_is_run_again() -> None:
    assert PLAN.having(FIRST).judged("t1", "invalid").left == 4


def test_a_degraded_trial_is_not_run_again() -> None:
    assert PLAN.having(FIRST).judged("t1", "degraded").left == 3


def test_a_trial_that_was_run_again_counts_once() -> None:
    again = PLAN.having(FIRST).judged("t1", "invalid").having(Ended("a", 0, "t2"))
    assert again.done == (("a", 0),)


def test_a_plan_with_nothing_left_is_forgotten(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(PLAN)
    shelf.keep(ended(PLAN))
    assert not list(tmp_path.iterdir())


def test_a_plan_whose_last_result_is_not_known_is_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    waiting = ended(PLAN).having(Ended("b", 1, "t9"))
    shelf.keep(waiting)
    assert shelf.find("g") == waiting


def test_a_group_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with pytest.raises(UserError, match="none is unfinished"):
        shelf.find("h")
    shelf.keep(PLAN)
    with pytest.raises(UserError, match="unfinished are g"):
        shelf.find("h")


@pytest.mark.parametrize("group", ["../g", "", "a b"])
def test_what_is_no_group_is_no_path_either(tmp_path: Path, group: str) -> None:
    with pytest.raises(UserError, match="1 to 64 letters"):
        Shelf(tmp_path).find(group)


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{"v":1,')
    with pytest.raises(UserError, match=r"g\.json cannot be read"):
        Shelf(tmp_path).find("g")
