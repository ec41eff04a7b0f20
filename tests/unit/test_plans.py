"""Runs that outlive their command: what is run again, what is not, and when a run is forgotten."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from e3p.plans import Ended, Run, Shelf
from telemetry.contract.documents import Result, ResultState
from telemetry.contract.errors import UserError
from telemetry.contract.plan import CampaignPlan, Configuration, DataSet, Key, Steps

PLAN = CampaignPlan(name="p", models=("a", "b"), datasets=(DataSet(name="d", labels=False),), trials=2)
RUN = Run(group="g", python="python3", plan=PLAN, accuracy_refs={"d": {"a": {"value": 0.5}}})


def key(model: str, index: int) -> Key:
    return Key(Configuration(model, "d", 32, "fp32"), index)


def result(trial: str, state: ResultState = "valid", stream: str = "main") -> Result:
    return Result(
        node="n", window=trial, trial=trial, kind="trial", stream=stream, begin=0, end=1, state=state
    )


FIRST = Ended(key("a", 0), "t1")


def ended(run: Run) -> Run:
    for model, index in (("a", 0), ("b", 0), ("a", 1), ("b", 1)):
        run = run.having(Ended(key(model, index), f"{model}{index}", (result(f"{model}{index}"),)))
    return run


def test_a_run_is_found_as_it_was_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "trials")
    shelf.keep(RUN.having(FIRST))
    assert shelf.find("g") == RUN.having(FIRST)


def test_a_trial_that_ended_is_not_left() -> None:
    assert (len(RUN.left), len(RUN.having(FIRST).left)) == (4, 3)
    assert key("a", 0) not in {planned.key for planned in RUN.having(FIRST).left}


def test_what_is_left_keeps_its_order() -> None:
    orders = [planned.order for planned in RUN.having(FIRST).left]
    assert orders == [planned.order for planned in RUN.trials if planned.key != FIRST.key]


def test_an_invalid_trial_is_run_again() -> None:
    assert len(RUN.having(FIRST).judged(result("t1", "invalid")).left) == 4


def test_a_degraded_trial_is_not_run_again() -> None:
    assert len(RUN.having(FIRST).judged(result("t1", "degraded")).left) == 3


def test_a_trial_that_was_run_again_counts_once() -> None:
    again = RUN.having(FIRST).judged(result("t1", "invalid")).having(Ended(key("a", 0), "t2"))
    assert again.done == {key("a", 0)}


def test_a_trial_is_worth_its_best_stream() -> None:
    judged = RUN.having(FIRST).judged(result("t1", "invalid", "a")).judged(result("t1", "degraded", "b"))
    assert [each.state for each in judged.ended] == ["degraded"]


def test_another_revision_of_a_result_takes_the_place_of_the_first() -> None:
    judged = RUN.having(FIRST).judged(result("t1", "invalid")).judged(result("t1"))
    assert judged.results == [result("t1")]


def test_the_results_of_a_run_are_those_of_the_trials_that_count() -> None:
    again = RUN.having(FIRST).judged(result("t1", "invalid")).having(Ended(key("a", 0), "t2"))
    assert again.judged(result("t2")).results == [result("t2")]


def test_a_configuration_that_is_left_out_is_not_left_and_named() -> None:
    without = RUN.having(FIRST).without(FIRST.key.configuration, "too big")
    assert {planned.key.configuration.model for planned in without.left} == {"b"}
    assert [(each.model, each.why) for each in without.left_out] == [("a", "too big")]


def test_a_shelf_that_does_not_forget_keeps_what_is_whole(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, forgets=False)
    shelf.keep(ended(RUN))
    assert shelf.find("g") == ended(RUN)


def test_a_run_with_nothing_left_is_forgotten(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(RUN)
    shelf.keep(ended(RUN))
    assert not list(tmp_path.iterdir())


def test_a_run_whose_last_result_is_not_known_is_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    waiting = ended(RUN).having(Ended(key("b", 1), "t9"))
    shelf.keep(waiting)
    assert shelf.find("g") == waiting


def test_the_same_plan_goes_on_where_it_was_left(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(RUN.having(FIRST))
    (tmp_path / "torn.json").write_text("{")
    assert shelf.unfinished(msgspec.structs.replace(PLAN)) == RUN.having(FIRST)


def test_a_plan_that_was_changed_is_another_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(RUN.having(FIRST))
    assert shelf.unfinished(msgspec.structs.replace(PLAN, seed=7)) is None


def test_the_runner_is_asked_for_what_is_left_by_its_own_names() -> None:
    run = msgspec.structs.replace(
        RUN, plan=msgspec.structs.replace(PLAN, weights="random", protocol=Steps(idle_s=3.0, min_s=60.0))
    )
    spec = run.having(FIRST).spec()
    assert (spec["idle_s"], spec["pretrained"], len(spec["plan"])) == (3.0, "never", 3)
    asked = {(each["model"], each["index"]): each for each in spec["plan"]}
    assert asked["a", 1]["accuracy_ref"] == {"value": 0.5}
    assert asked["b", 1]["accuracy_ref"] is None
    assert {each["labels"] for each in asked.values()} == {"none"}
    assert {each["min_s"] for each in asked.values()} == {60.0}


def test_the_runner_understands_what_it_is_asked_for() -> None:
    import io
    import json

    from edge_node.runner_spec import read_spec

    spec = read_spec(io.StringIO(json.dumps(RUN.spec())))
    assert [(each.model, each.index, each.order) for each in spec.plan] == [
        (planned.key.configuration.model, planned.key.index, planned.order) for planned in RUN.trials
    ]


def test_a_group_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with pytest.raises(UserError, match="none is unfinished"):
        shelf.find("h")
    shelf.keep(RUN)
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
