"""What fine-tuning is asked for: one JSON object, checked field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import IO, Any

if __package__:
    from edge_node.finetune_recipes import RECIPES, Recipe, find_recipe
    from edge_node.images import CIFAR10, Fault
    from edge_node.runner_spec import AMOUNT, COUNT, TEXT, Fields, checked
else:  # alone on a device, beside the others
    from finetune_recipes import (  # type: ignore[import-not-found,no-redef]
        RECIPES,
        Recipe,
        find_recipe,
    )
    from images import CIFAR10, Fault  # type: ignore[import-not-found,no-redef]
    from runner_spec import AMOUNT, COUNT, TEXT, Fields, checked  # type: ignore[import-not-found,no-redef]

FIELDS: Fields = {
    "model": (None, TEXT, "a timm model name"),
    "dataset": (CIFAR10, '"%s"' % CIFAR10, "cifar10, the one data set that fine-tuning knows"),
    "data": (None, TEXT, "a folder"),
    "out": (None, TEXT, "a folder"),
    "recipe": ("auto", TEXT, "a recipe's name, or auto"),
    "epochs": (None, COUNT, "a whole number from 1; null as the recipe says"),
    "batch_size": (None, COUNT, "a whole number from 1; null as the recipe says"),
    "lr": (None, AMOUNT, "a learning rate above 0; null as the recipe says"),
    "seed": (0, r"\d{1,9}", "a whole number from 0"),
    "device": ("cpu", '"(cpu|cuda)"', "cpu or cuda"),
    "precision": ("auto", '"(auto|fp32|amp-fp16|amp-bf16)"', "auto, fp32, amp-fp16 or amp-bf16"),
    "weights": ("pretrained", TEXT, "pretrained, random, or a file of weights"),
    "save_every_s": (300, AMOUNT, "seconds between two checkpoints within an epoch"),
    "threads": (None, COUNT, "a whole number from 1; null leaves it to torch"),
    "again": (False, "(true|false)", "true or false"),
}
REQUIRED = ("model", "data", "out")


def read_spec(file: IO[str]) -> SimpleNamespace:
    """The spec with its defaults. A `Fault` names the first wrong field."""
    try:
        raw = dict(json.load(file))
    except (TypeError, ValueError) as fault:
        raise Fault("the spec is no JSON object: %s" % fault, "spec", "one JSON object") from None
    spec = SimpleNamespace(**checked(raw, FIELDS, "spec."))
    for name in REQUIRED:
        if getattr(spec, name) is None:
            raise Fault(name + " is missing", "spec." + name, FIELDS[name][2])
    if spec.lr == 0:
        raise Fault("lr cannot be 0", "spec.lr", FIELDS["lr"][2])
    spec.recipe = find_recipe(spec.recipe, spec.model)
    return spec


def recipe_of(spec: SimpleNamespace) -> Recipe:
    """The recipe with what else is asked for."""
    asked: dict[str, Any] = {name: getattr(spec, name) for name in ("epochs", "batch_size", "lr")}
    return replace(RECIPES[spec.recipe], **{name: value for name, value in asked.items() if value})
