from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from e3p.plan_file import TomlFile
from e3p.soaks import Moment, SoakShelf, State
from edge_node.runner_soak import is_on
from telemetry.contract.errors import UserError
from telemetry.contract.soak_plan import Duty, SoakPlan, SoakWatch, SoakWork, faults, seconds_of_day

S = 10**9
PLAN = SoakPlan(name="night", duration="1 h", work=SoakWork(model="vit"))
BEGUN = Moment("kernel-1", 1000 * S, 5_000_000 * S)
STATE = State(soak="night-1", python="python3", plan=PLAN, left_s=3600.0, noted=BEGUN)


def _read(path: Path, text: str) -> SoakPlan:
    file = path / "night.toml"
    file.write_text(text)
    return TomlFile(file, SoakPlan, faults, "PLAN").plan


def test_within_a_boot_time_is_that_of_its_own_clock_whatever_the_wall_says() -> None:
    assert STATE.left_at(Moment("kernel-1", 1600 * S, 9_000_000 * S)) == 3000.0


def test_after_a_reboot_the_time_away_is_over_too() -> None:
    assert STATE.left_at(Moment("kernel-2", 5 * S, 5_000_600 * S)) == 3000.0


def test_a_wall_clock_that_went_back_makes_no_soak_longer_than_it_was() -> None:
    assert STATE.left_at(Moment("kernel-2", 5 * S, 3 * S)) == 3600.0


def test_what_is_noted_is_left_from_there_on() -> None:
    noted = STATE.noted_at(Moment("kernel-1", 1600 * S, 5_000_600 * S), starts=1)
    assert (noted.left_s, noted.starts) == (3000.0, 1)
    assert noted.left_at(Moment("kernel-2", 0, 5_000_700 * S)) == 2900.0


def test_a_soak_that_is_not_over_is_found_again_by_its_plan(tmp_path: Path) -> None:
    shelf = SoakShelf(tmp_path / "soaks")
    assert shelf.find(PLAN) is None
    shelf.keep(STATE)
    assert shelf.find(PLAN) == STATE
    shelf.forget("night")
    assert shelf.find(PLAN) is None


def test_another_plan_of_the_same_name_is_refused_while_one_is_not_over(tmp_path: Path) -> None:
    shelf = SoakShelf(tmp_path)
    shelf.keep(STATE)
    with pytest.raises(UserError, match="of another plan is not over"):
        shelf.find(msgspec.structs.replace(PLAN, duration="2 h"))


def test_a_file_that_cannot_be_read_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "night.json").write_text("{")
    with pytest.raises(UserError, match="remove it to begin anew"):
        SoakShelf(tmp_path).find(PLAN)


def test_the_runner_is_asked_for_one_model_with_what_is_left_and_the_duty() -> None:
    plan = msgspec.structs.replace(PLAN, duty=Duty(kind="bursty", on_s=300, off_s=600))
    spec = msgspec.structs.replace(STATE, plan=plan).spec(1800.0, Path("/plans"))
    assert spec["soak"] == {"app": "soak-night", "left_s": 1800.0, "duty": {"on_s": 300, "off_s": 600}}
    assert spec["plan"][0]["model"] == "vit"


@pytest.mark.parametrize(
    ("duty", "told"),
    [
        (Duty(), {}),
        (Duty(kind="bursty", on_s=300, off_s=600), {"on_s": 300, "off_s": 600}),
        (Duty(kind="day_night", day_from="06:00", day_to="18:30"), {"from_s": 21_600, "to_s": 66_600}),
        (Duty(kind="day_night", day_from="22:00", day_to="04:00"), {"from_s": 79_200, "to_s": 14_400}),
    ],
)
def test_the_device_and_the_server_agree_when_work_is_due(duty: Duty, told: dict[str, int]) -> None:
    moments = range(0, 2 * 86_400, 97)
    assert [is_on(told, at) for at in moments] == [duty.is_on(at) for at in moments]


def test_a_time_that_is_none_is_no_time_of_day() -> None:
    with pytest.raises(ValueError, match="07:30 is one"):
        seconds_of_day("25:00")


def test_a_plan_is_read_from_its_file(tmp_path: Path) -> None:
    text = 'name = "n"\nduration = "3 h"\n[watch]\napp = "shop"\n[budgets]\nrestarts = 2\n'
    plan = _read(tmp_path, text)
    assert plan.watch == SoakWatch(app="shop")
    assert plan.budgets.restarts == 2


@pytest.mark.parametrize(
    ("length", "rest", "words"),
    [
        ("3 h", "[budgets]\nrestart = 2\n", r"line 4 \(budgets.restart\): .*did you mean restarts"),
        ("3 h", '[work]\nmodel = "m"\n[budgets]\nmissing_share = 1.5\n', r"line 6 \(budgets.missing_share\)"),
        ("5 min", '[work]\nmodel = "m"\n', r"line 2 \(duration\): 5 min is too short"),
        ("5 h", "", r"night.toml: either \[work\] or \[watch\] is expected"),
        ("1 h", '[watch]\napp = "a"\n[budgets]\ndrift_j_percent_day = 0.1\n', "line 6 .*at least 0.24"),
        ("1 h", "[work\n", "line 3: no valid TOML"),
    ],
)
def test_an_impossible_plan_is_refused_at_its_line(
    tmp_path: Path, length: str, rest: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        _read(tmp_path, f'name = "n"\nduration = "{length}"\n{rest}')


@pytest.mark.parametrize("example", sorted(Path("examples").glob("soak-*.toml")), ids=lambda path: path.name)
def test_the_examples_are_good_plans(example: Path) -> None:
    assert TomlFile(example, SoakPlan, faults, "PLAN").plan.work is not None
