"""The model that is fine-tuned, and what teaches it: optimizer, mixed precision, one step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

if __package__:
    from edge_node.finetune_recipes import Recipe
    from edge_node.images import Fault
    from edge_node.runner_models import MIXED, Numbers, why_random
else:  # alone on a device, beside the others
    from finetune_recipes import Recipe  # type: ignore[import-not-found,no-redef]
    from images import Fault  # type: ignore[import-not-found,no-redef]
    from runner_models import MIXED, Numbers, why_random  # type: ignore[import-not-found,no-redef]

PRETRAINED, RANDOM = "pretrained", "random"
OTHER_WEIGHTS = "--weights FILE (timm's own, from elsewhere), --weights random, or a network"

Tensor = Any  # torch comes at run time, from the interpreter at hand


def build(torch: ModuleType, timm: Any, spec: SimpleNamespace, outputs: int, *, goes_on: bool) -> Any:  # noqa: ANN401
    """The model with a new head; what goes on from a state needs no weights. Raises `Fault`."""
    torch.manual_seed(spec.seed)
    if goes_on or spec.weights == RANDOM:
        return timm.create_model(spec.model, num_classes=outputs)
    if spec.weights == PRETRAINED:
        try:
            return timm.create_model(spec.model, pretrained=True, num_classes=outputs)
        except Exception as fault:  # noqa: BLE001  (each hub fails in its own way)
            what = "no pretrained weights can be had: %s" % why_random(fault)
            raise Fault(what, spec.model, OTHER_WEIGHTS) from None
    if not Path(spec.weights).is_file():
        raise Fault("there is no such file", spec.weights, OTHER_WEIGHTS)
    try:
        overlay = {"file": spec.weights}
        return timm.create_model(
            spec.model, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=outputs
        )
    except Exception as fault:  # noqa: BLE001  (what a strange file raises is known to nobody)
        why = re.split(r"(?<=[.!?])\s|\n", str(fault))[0].rstrip(".")
        what = "it holds no weights of %s: %.120s" % (spec.model, why)
        raise Fault(what, spec.weights, OTHER_WEIGHTS) from None


def precision_of(torch: ModuleType, spec: SimpleNamespace) -> str:
    """The precision that is asked for; `auto` is mixed on a GPU, where it is faster. Raises `Fault`."""
    if spec.precision == "auto":
        if spec.device == "cpu":
            return "fp32"
        return "amp-bf16" if torch.cuda.get_device_capability()[0] >= 8 else "amp-fp16"
    Numbers(torch, spec.device).check(spec.precision)
    return str(spec.precision)


class Teacher:
    """Takes a model through its steps."""

    def __init__(self, torch: Any, model: Any, recipe: Recipe, precision: str, device: str) -> None:  # noqa: ANN401
        self.model, self._torch, self._recipe = model.train(), torch, recipe
        self._numbers, self._precision = Numbers(torch, device), precision
        groups = _groups(model, recipe.weight_decay)
        if recipe.optimizer == "sgd":
            self._optimizer = torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)
        else:
            self._optimizer = torch.optim.AdamW(groups, lr=recipe.lr)
        self._scaler = torch.amp.GradScaler(device, enabled=precision == MIXED + "fp16")

    def step(self, pixels: Tensor, labels: Tensor, lr: float) -> Tensor:
        """One step at a learning rate; the loss before it."""
        torch = self._torch
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        with self._numbers.cast(self._precision):
            loss = torch.nn.functional.cross_entropy(self.model(pixels), labels)
        self._scaler.scale(loss).backward()
        if self._recipe.clip:
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._recipe.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    @contextmanager
    def looking(self) -> Iterator[Any]:
        """The model as it answers: nothing in it changes."""
        self.model.eval()
        with self._torch.inference_mode():
            yield self.model
        self.model.train()

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, but its number."""
        parts = {"model": self.model, "optimizer": self._optimizer, "scaler": self._scaler}
        return {name: part.state_dict() for name, part in parts.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])


def _groups(model: Any, weight_decay: float) -> list[dict[str, Any]]:  # noqa: ANN401  (a torch module)
    """Biases, norms, and what the model itself names do not decay, as in timm's own training."""
    spared = set(model.no_weight_decay()) if hasattr(model, "no_weight_decay") else set()
    decay: list[Any] = []
    keep: list[Any] = []
    for name, weight in model.named_parameters():
        (keep if weight.ndim <= 1 or name in spared else decay).append(weight)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": keep, "weight_decay": 0.0}]
