"""What a person asks of nodes: plans that may travel, nodes by name, wishes that follow each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from e3p.campaigns.asking import lawful_nodes, named, new_campaign, plan_that_travels, wishing
from telemetry.contract.errors import UserError
from telemetry.contract.plan import CampaignPlan

PLAN = CampaignPlan(name="night", models=("a",))
OLD = new_campaign(PLAN, ("n1",), 1)
NEW = new_campaign(PLAN, ("n1",), 2)


def written(folder: Path, text: str) -> Path:
    (folder / "plan.toml").write_text('name = "night"\n' + text)
    return folder / "plan.toml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('models = ["a", "hf-hub:x/y"]', r"line 2 \(models\[1\]\): 'hf-hub:x/y' cannot be sent"),
        (
            'models = ["a"]\n[[datasets]]\nname = "d"\ndata = "/data/d"',
            r"line 5 \(datasets\[0\].data\): '/data/d' is no name; right is .*campaign_data",
        ),
        ('models = ["a"]\nmodles = 3', r"line 3 \(modles\): there is no modles; did you mean models"),
    ],
)
def test_a_plan_that_cannot_travel_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan_that_travels(written(tmp_path, text))


def test_a_plan_that_names_its_data_travels(tmp_path: Path) -> None:
    plan = plan_that_travels(written(tmp_path, 'models = ["a"]\n[[datasets]]\nname = "d"\ndata = "cifar10"'))
    assert plan.datasets[0].data == "cifar10"


def test_a_plan_too_large_to_be_sent_is_refused(tmp_path: Path) -> None:
    names = ", ".join(f'"model_{at:0100d}"' for at in range(2000))
    with pytest.raises(UserError, match="bytes; 131072 can be sent"):
        plan_that_travels(written(tmp_path, f"models = [{names}]"))


def test_nodes_are_named_once_each_with_commas() -> None:
    assert lawful_nodes("a, b,a") == ("a", "b")


@pytest.mark.parametrize(
    ("text", "words"), [("a/b", "'a/b' is no node's name"), (" , ", "at least one node")]
)
def test_what_is_no_node_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        lawful_nodes(text)


def test_two_campaigns_of_one_plan_are_told_apart_and_the_newest_is_meant() -> None:
    assert OLD.id != NEW.id
    assert named([NEW, OLD], "night") == NEW
    assert named([NEW, OLD], OLD.id) == OLD


def test_a_campaign_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match="day: no such campaign; the store has night"):
        named([NEW, OLD], "day")


def test_each_wish_has_a_higher_revision() -> None:
    cancelled = wishing(NEW, "cancel", 3)
    assert (cancelled.id, cancelled.revision, cancelled.wish, cancelled.began) == (NEW.id, 1, "cancel", 2)
