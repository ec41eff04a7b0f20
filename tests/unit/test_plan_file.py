"""Plans from TOML files: every error has its line, and says what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from e3p.plan_file import PlanFile, place, with_whole_paths
from e3p.toml_lines import line_of
from telemetry.contract.errors import UserError

GOOD = """\
# what this campaign is for
name = "night"
models = [
    "levit_192",   # the baseline, with a ] in its comment
    'vit_small',
]
trials = 3
datasets = [{ name = "imagenet-1k" }, { name = "toy", images = 64 }]

[protocol]
min_s = 60
note_is_text = 1

[[overrides]]
model = "levit*"
min_s = 10

[[overrides]]
batch_size = 32
"""
PLAN = GOOD.replace("note_is_text = 1\n", "")


def refusal(folder: Path, text: str) -> str:
    path = folder / "plan.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        PlanFile(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_good_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = PlanFile(tmp_path / "plan.toml").plan
    assert (plan.name, plan.models, plan.protocol.min_s) == ("night", ("levit_192", "vit_small"), 60)
    assert [override.min_s for override in plan.overrides] == [10, None]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("name", 2),
        ("models", 3),
        ("models[0]", 4),
        ("models[1]", 5),
        ("models[7]", 3),
        ("datasets[1]", 8),
        ("datasets[1].images", 8),
        ("protocol", 10),
        ("protocol.min_s", 11),
        ("overrides", 14),
        ("overrides[0].min_s", 16),
        ("overrides[1]", 18),
        ("overrides[1].batch_size", 19),
        ("nothing", None),
    ],
)
def test_every_value_has_its_line(path: str, line: int | None) -> None:
    assert line_of(GOOD, path) == line


def test_text_over_several_lines_hides_no_line() -> None:
    text = 'a = """\nb = 1\n[c]\n"""\nd = [\n  "x", """y\nz""",\n  3]\ne = 1\n'
    assert [line_of(text, path) for path in ("a", "d", "d[0]", "d[2]", "e")] == [1, 5, 6, 8, 9]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("trials = 3", "trials = 0"), "plan.toml, line 7 (trials): expected a whole number >= 1"),
        (("trials = 3", "trials = "), "plan.toml, line 7: no valid TOML: Invalid value"),
        (("trials = 3", "trails = 3"), "line 7 (trails): there is no trails; did you mean trials?"),
        (("'vit_small'", "7"), "plan.toml, line 5 (models[1]): expected text, got a whole number"),
        (("'vit_small'", "'levit_192'"), "line 5 (models[1]): levit_192 stands there twice; each once"),
        (("min_s = 60", "min_s = -1"), "line 11 (protocol.min_s): expected a number >= 0"),
        (('"levit*"', '"resnet*"'), "line 13 (overrides[0]): no configuration of this plan fits"),
        (("batch_size = 32", "precision = 'int8'"), "line 18 (overrides[1].precision): 'int8' is none of"),
        (
            ("batch_size = 32", "skip = true"),
            "line 13 (overrides): every configuration is skipped",
        ),
        (
            ("images = 64", "images = 16"),
            "a batch of 32 cannot come from the 16 images of toy",
        ),
        (('name = "night"', ""), "plan.toml: name is missing"),
        (('name = "night"', 'name = "a b"'), "line 2 (name): expected 1 to 64 letters, digits, _ or -"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, changed: tuple[str, str], words: str
) -> None:
    assert words in refusal(tmp_path, PLAN.replace(*changed))


def test_text_that_ends_too_early_has_a_line_too(tmp_path: Path) -> None:
    assert "plan.toml, line 2: no valid TOML" in refusal(tmp_path, 'name = "x"\nmodels = ["a",')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--plan .*nothing\.toml: cannot be read"):
        PlanFile(tmp_path / "nothing.toml")


def test_folders_of_data_lie_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.replace('"toy"', '"toy", data = "toys"'))
    plan = with_whole_paths(PlanFile(tmp_path / "plan.toml").plan, tmp_path)
    assert [data.data for data in plan.datasets] == [None, str(tmp_path / "toys")]
    assert place("torchvision:cifar", tmp_path) == f"torchvision:{tmp_path / 'cifar'}"


WITH_CHECKPOINT = """\
name = "n"
models = ["one"]

[[datasets]]
name = "toy"

[datasets.checkpoints]
one = "c.safetensors"
"""


def test_checkpoints_lie_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(WITH_CHECKPOINT)
    plan = with_whole_paths(PlanFile(tmp_path / "plan.toml").plan, tmp_path)
    assert plan.datasets[0].checkpoints == {"one": str(tmp_path / "c.safetensors")}


def test_a_checkpoint_of_a_model_that_is_not_measured_is_refused_at_its_place(tmp_path: Path) -> None:
    words = refusal(tmp_path, WITH_CHECKPOINT.replace("one =", "two ="))
    assert "(datasets[0].checkpoints): two is none of this plan's models" in words


def test_a_default_that_does_not_fit_is_called_one(tmp_path: Path) -> None:
    found = refusal(tmp_path, PLAN.replace("images = 64", "images = 16"))
    assert found.startswith("plan.toml (batch_sizes[0], by default): a batch of 32 cannot come from")
