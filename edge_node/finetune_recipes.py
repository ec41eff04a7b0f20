"""The recipes of fine-tuning, and the learning rate that follows from one at each step. Pure.

Both are what public scripts of the E3P-ViT method do (arXiv 2511.23166; the paper itself prints none):
docs/finetuning.md says what of them is known and what is ours.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass

if __package__:
    from edge_node.images import Fault
else:  # alone on a device, beside images.py
    from images import Fault  # type: ignore[import-not-found,no-redef]

AUTO = "auto"


@dataclass(frozen=True)
class Recipe:
    """How a model is fine-tuned; as long as `epochs` say, or else `steps`.

    The rate climbs for `warmup` of all steps, then falls to 0 along a cosine. `clip` is the greatest norm of
    a gradient. Images are flipped left to right by chance; `held_out` of the training set only validates.
    """

    optimizer: str
    lr: float
    weight_decay: float
    batch_size: int
    steps: int | None = None
    epochs: int | None = None
    momentum: float = 0.0
    warmup: float = 0.0
    clip: float | None = None
    held_out: float = 0.1

    def steps_for(self, per_epoch: int) -> int:
        """How many steps it takes, where an epoch has so many."""
        return self.epochs * per_epoch if self.epochs else self.steps or per_epoch

    def lr_at(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        climb = round(self.warmup * steps)
        if step < climb:
            return self.lr * (step + 1) / climb
        return self.lr * (1 + math.cos(math.pi * (step - climb) / max(1, steps - climb))) / 2


RECIPES = {
    "vit-sgd": Recipe("sgd", lr=0.01, momentum=0.9, weight_decay=0.0, batch_size=32, steps=15_000),
    "levit-adamw": Recipe(
        "adamw", lr=3e-4, weight_decay=0.05, batch_size=128, epochs=50, warmup=0.1, clip=5.0
    ),
}


def find_recipe(name: str, model: str) -> str:
    """The name of the recipe that is asked for; `auto` goes by the family. Raises `Fault`."""
    if name == AUTO:
        return "levit-adamw" if model.startswith("levit") else "vit-sgd"
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, 1)
        raise Fault("there is no recipe %r" % name, "spec.recipe", " or ".join(near or [*RECIPES, AUTO]))
    return name
