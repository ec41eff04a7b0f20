"""Recipes, and the learning rate at each step."""

from __future__ import annotations

import pytest

from edge_node.finetune_recipes import RECIPES, find_recipe
from edge_node.images import Fault


def test_the_recipe_goes_by_the_models_family() -> None:
    assert find_recipe("auto", "levit_conv_192.fb_dist_in1k") == "levit-adamw"
    assert find_recipe("auto", "vit_small_patch16_224.augreg_in1k") == "vit-sgd"


def test_a_misspelled_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(Fault) as refused:
        find_recipe("levit_adam", "levit_192")
    assert refused.value.event["right"] == "levit-adamw"


def test_the_rate_of_sgd_falls_from_its_highest_to_almost_nothing_along_a_cosine() -> None:
    recipe = RECIPES["vit-sgd"]
    assert recipe.lr_at(0, 15_000) == 0.01
    assert recipe.lr_at(7_500, 15_000) == pytest.approx(0.005)
    assert recipe.lr_at(14_999, 15_000) < 1e-9


def test_the_rate_of_adamw_climbs_for_five_of_fifty_epochs_first() -> None:
    recipe = RECIPES["levit-adamw"]
    rates = [recipe.lr_at(step, 5_000) for step in range(5_000)]
    assert max(rates) == recipe.lr == rates[500]
    assert rates[0] == pytest.approx(recipe.lr / 500)
    assert rates[:501] == sorted(rates[:501])
    assert rates[500:] == sorted(rates[500:], reverse=True)


def test_a_recipe_by_steps_does_not_ask_how_long_an_epoch_is() -> None:
    assert RECIPES["vit-sgd"].steps_for(1_406) == RECIPES["vit-sgd"].steps_for(2) == 15_000
    assert RECIPES["levit-adamw"].steps_for(351) == 50 * 351
