"""`e3p trial` is told what is wrong by the names that were typed: options, or lines of the plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e3p.asking import by_option, plan_of_file, plan_of_options
from telemetry.contract.errors import UserError
from tests.commands import e3p

GIVEN: dict[str, Any] = {
    "models": ["a", "b"],
    "batch_sizes": None,
    "precisions": None,
    "dataset": "toy",
    "data": None,
    "labels": True,
    "images": 64,
    "trials": 3,
    "device": "cpu",
    "weights": "auto",
    "seed": 0,
    "threads": None,
    "protocol": {"min_s": 1.0},
}
PLAN = (
    'name = "night"\nmodels = ["one", "two"]\nbatch_sizes = [1, 8]\n[protocol]\nmin_s = 60\ncooldown_s = 5\n'
)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trials": 0}, "--trials: expected a whole number >= 1"),
        ({"device": "tpu"}, "--device: 'tpu' is none of cpu, cuda"),
        ({"weights": "mine"}, "--weights: 'mine' is none of auto, random"),
        ({"precisions": ["int8"]}, "--precision: 'int8' is none of amp-bf16, amp-fp16, bf16, fp16, fp32"),
        ({"batch_sizes": [128]}, "--batch: a batch of 128 cannot come from the 64 images of toy"),
        ({"models": ["a", "a"]}, "--model: a stands there twice; each once"),
        ({"dataset": "a b"}, "--dataset: expected 1 to 64 letters, digits, _ or -"),
        ({"protocol": {"min_s": -1.0}}, "--min-s: expected a number >= 0"),
    ],
)
def test_a_wrong_option_is_named_as_it_was_typed(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_of_options({**GIVEN, **changed})
    assert words in str(caught.value)


def test_options_make_the_same_kind_of_plan_as_a_file() -> None:
    plan = plan_of_options({**GIVEN, "batch_sizes": [1, 8], "data": "images"})
    assert (plan.models, plan.batch_sizes, plan.precisions) == (("a", "b"), (1, 8), ("fp32",))
    assert plan.datasets[0].data == str(Path.cwd() / "images")
    assert plan.protocol.min_s == 1.0


def test_what_the_runner_refuses_is_told_by_option() -> None:
    assert by_option({"where": "spec.models", "what": "no such model"}) == "--model"
    assert by_option({"where": "spec.batch_size"}) == "--batch"
    assert by_option({"where": "spec.device"}) == "--device"
    assert by_option({"where": "/no/folder"}) == "/no/folder"


def test_what_the_runner_refuses_is_told_by_line_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    _, where = plan_of_file(tmp_path / "plan.toml")
    path = tmp_path / "plan.toml"
    assert where({"where": "spec.models", "value": "two"}) == f"{path}, line 2 (models[1])"
    assert where({"where": "spec.batch_size", "value": "8"}) == f"{path}, line 3 (batch_sizes[1])"
    assert where({"where": "spec.device"}) == f"{path} (device, by default)"
    assert where({"where": "elsewhere"}) == "elsewhere"


def test_a_rehearsal_tells_order_and_time_and_needs_no_agent(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    said = e3p("trial", "--plan", tmp_path / "plan.toml", "--dry-run")
    assert said.status == 0, said.err
    lines = said.out.splitlines()
    assert len(lines) == 2 + 12 + 1
    assert lines[-1].startswith("12 trials: 13:41 min to ")


def test_a_rehearsal_as_a_document_has_every_trial_in_order(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    document = json.loads(e3p("trial", "--plan", tmp_path / "plan.toml", "--dry-run", "--json").out)
    assert [each["order"] for each in document["trials"]] == list(range(12))
    assert document["least_s"] < document["most_s"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model", "one"], "--model: the plan's file says it: leave this out"),
        (["--min-s", "3"], "--min-s: the plan's file says it: leave this out"),
    ],
)
def test_options_beside_a_plan_are_refused(tmp_path: Path, more: list[str], words: str) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    said = e3p("trial", "--plan", tmp_path / "plan.toml", "--dry-run", *more)
    assert said.status == 2
    assert words in said.err


def test_without_model_and_plan_both_are_named() -> None:
    said = e3p("trial", "--dry-run")
    assert said.status == 2
    assert "which model? give at least one, or a --plan" in said.err


def test_a_file_alone_is_the_checkpoint_of_the_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_of_options({**GIVEN, "models": ["a"], "checkpoint": ["c.safetensors"]})
    assert plan.datasets[0].checkpoints == {"a": str(tmp_path / "c.safetensors")}


def test_with_several_models_each_checkpoint_names_its_own() -> None:
    plan = plan_of_options({**GIVEN, "checkpoint": ["b=/x/b.safetensors", "a=/x/a.safetensors"]})
    assert plan.datasets[0].checkpoints == {"a": "/x/a.safetensors", "b": "/x/b.safetensors"}


@pytest.mark.parametrize(
    ("checkpoint", "words"),
    [
        (["c"], "--checkpoint c: of which model? MODEL=FILE is expected, for one of a, b"),
        (["d=c"], "--checkpoint d=c: of which model? MODEL=FILE is expected, for one of a, b"),
        (["a=c", "a=d"], "--checkpoint a=d: a has one already; each model once"),
    ],
)
def test_a_checkpoint_of_no_model_is_refused(checkpoint: list[str], words: str) -> None:
    with pytest.raises(UserError) as refused:
        plan_of_options({**GIVEN, "checkpoint": checkpoint})
    assert str(refused.value) == words
