"""What a node's owner lets campaigns do: a command names nothing that runs or is read."""

from __future__ import annotations

from typing import Any

import pytest

from e3p.campaigns.limits import MOST_CONFIGURATIONS, MOST_OVERRIDES, refusal, with_folders
from edge_node.settings import EdgeSettings
from telemetry.contract.plan import CampaignPlan, DataSet, Override, Steps

ON = EdgeSettings(node="n", campaigns="on", campaign_data={"cifar10": "/data/cifar10"})


def plan(**more: Any) -> CampaignPlan:
    return CampaignPlan(**{"name": "p", "models": ("levit_192.fb_dist_in1k",), **more})


def with_data(data: str | None) -> CampaignPlan:
    return plan(datasets=(DataSet(name="d", data=data),))


def test_campaigns_are_off_until_the_owner_says_otherwise() -> None:
    assert "has not let campaigns in" in (refusal(plan(), EdgeSettings(node="n")) or "")


def test_a_plan_that_names_nothing_but_models_is_taken() -> None:
    assert refusal(plan(), ON) is None


def test_data_is_a_name_that_the_owner_gave_to_a_folder() -> None:
    assert refusal(with_data("cifar10"), ON) is None
    assert with_folders(with_data("cifar10"), ON).datasets[0].data == "/data/cifar10"


def test_what_the_owner_has_not_named_is_refused_with_what_he_has() -> None:
    assert "its owner has named cifar10" in (refusal(with_data("imagenet"), ON) or "")


@pytest.mark.parametrize(
    "data",
    ["/etc", "../cifar10", "torchvision:/data/cifar10", "cifar10/..", "", "/data/cifar10", "cifar10\n"],
)
def test_data_that_is_a_path_is_refused_even_where_it_is_the_owners(data: str) -> None:
    assert "datasets[0].data" in (refusal(with_data(data), ON) or "")


def test_what_is_new_in_plans_is_refused_until_it_is_known_to_be_no_path() -> None:
    class Later(DataSet, frozen=True, kw_only=True, omit_defaults=True):
        weights: str | None = None

    later = plan(datasets=(Later(name="d", weights="/tmp/mine"),))
    assert refusal(later, ON) == "its plan: datasets[0].weights: a campaign sends no weights to nodes"


def test_a_checkpoint_is_a_name_that_the_owner_gave_to_a_file() -> None:
    def of(name: str) -> CampaignPlan:
        return plan(models=("a",), datasets=(DataSet(name="d", checkpoints={"a": name}),))

    assert with_folders(of("cifar10"), ON).datasets[0].checkpoints == {"a": "/data/cifar10"}
    assert "no data called 'mine'" in (refusal(of("mine"), ON) or "")
    assert "datasets[0].checkpoints" in (refusal(of("mine.safetensors"), ON) or "")


def test_without_data_images_are_generated() -> None:
    assert with_folders(with_data(None), ON).datasets[0].data is None


@pytest.mark.parametrize(
    "model",
    [
        "hf-hub:a/b",
        "/tmp/model.safetensors",
        "../model",
        "local-dir:/x",
        ".hidden",
        "a b",
        "m\n",
        "-flag",
        "x" * 129,
    ],
)
def test_a_model_is_a_name_of_timms_and_no_path(model: str) -> None:
    assert "a campaign takes timm's names" in (refusal(plan(models=(model,)), ON) or "")


def test_a_plan_longer_than_the_owner_allows_is_refused_with_both_lengths() -> None:
    long = plan(trials=60, protocol=Steps(min_s=3600))
    assert refusal(long, ON) == "its plan takes 60.2 h at least, and its owner allows 24 h"


@pytest.mark.parametrize(
    "huge",
    [
        plan(trials=999_999_999),
        plan(overrides=(Override(trials=999_999_999),)),
        plan(models=tuple(f"m{at}" for at in range(101)), trials=100),
    ],
)
def test_more_trials_than_a_node_can_hold_are_refused_before_they_are_counted_out(huge: CampaignPlan) -> None:
    assert "10000 trials" in (refusal(huge, ON) or "")


@pytest.mark.parametrize(
    "huge",
    [
        plan(models=tuple(f"m{at}" for at in range(MOST_CONFIGURATIONS + 1))),
        plan(overrides=(Override(),) * (MOST_OVERRIDES + 1)),
    ],
)
def test_too_many_configurations_or_overrides_are_refused(huge: CampaignPlan) -> None:
    assert "has more than" in (refusal(huge, ON) or "")


def test_what_is_wrong_with_a_plan_is_said_with_its_place() -> None:
    assert (refusal(plan(models=("a", "a")), ON) or "").startswith(
        "its plan: models[1]: a stands there twice"
    )
