"""What a person asks of `e3p trial`, by options or by a plan file, and where they wrote what is refused."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from e3p.plan_file import PlanFile, place, with_whole_paths
from e3p.plans import Run
from e3p.published import accuracy_refs
from e3p.trialing import Event, Where
from telemetry.contract.errors import UserError
from telemetry.contract.plan import CampaignPlan, faults
from telemetry.contract.wording import wrong

PUBLISHED = "imagenet-1k"
"""The data set that published accuracies are for."""
OPTION = {
    "models": "model",
    "batch_sizes": "batch",
    "precisions": "precision",
    "datasets": "data",
    "name": "dataset",
}
KEY = {"spec.models": "models", "spec.batch_size": "batch_sizes", "spec.precision": "precisions"}
GROUP_LETTERS = 50


def plan_of_options(given: Mapping[str, Any]) -> CampaignPlan:
    """The plan that options describe. Raises `UserError` naming the option."""
    names = set(CampaignPlan.__struct_fields__)
    data = {"name": given["dataset"], "images": given["images"], "labels": given["labels"]}
    data["data"] = place(given["data"], Path.cwd())
    data["checkpoints"] = _checkpoints(given)
    raw = {
        **{name: given[name] for name in names & given.keys() if given[name] is not None},
        "name": "trial",
        "datasets": [data],
        "protocol": {name: value for name, value in given["protocol"].items() if value is not None},
    }
    try:
        plan = msgspec.convert(raw, CampaignPlan)
    except msgspec.ValidationError as error:
        found = wrong(error, CampaignPlan)
        raise UserError(f"{_option(found.path)}: {found.words}") from None
    for fault in faults(plan):
        raise UserError(f"{_option(fault.path)}: {fault.words}")
    return plan


def _checkpoints(given: Mapping[str, Any]) -> dict[str, str | None]:
    """The checkpoint of each model that has one: MODEL=FILE, or FILE alone where there is one model."""
    models, found = list(given["models"]), {}
    for words in given.get("checkpoint") or ():
        model, equals, file = words.partition("=")
        if not equals or model not in models:
            if len(models) != 1:
                right = f"MODEL=FILE is expected, for one of {', '.join(models)}"
                raise UserError(f"--checkpoint {words}: of which model? {right}")
            model, file = models[0], words
        if model in found:
            raise UserError(f"--checkpoint {words}: {model} has one already; each model once")
        found[model] = place(file, Path.cwd())
    return found


def run_of(plan: CampaignPlan, python: str, module: Path | None = None) -> Run:
    """A new run of a plan; `module` is a file with models of one's own."""
    named = any(data.name == PUBLISHED for data in plan.datasets)
    return Run(
        group=f"{plan.name[:GROUP_LETTERS]}-{secrets.token_hex(4)}",
        python=python,
        module=None if module is None else str(module.absolute()),
        plan=plan,
        accuracy_refs={PUBLISHED: accuracy_refs(list(plan.models))} if named else {},
    )


def plan_of_file(path: Path) -> tuple[CampaignPlan, Where]:
    """The plan of a file, and where in it a fault of the runner's is. Raises `UserError`."""
    file = PlanFile(path)

    def where(fault: Event) -> str:
        key = _key(fault)
        if key is None:
            return str(fault["where"])
        listed = [str(value) for value in getattr(file.plan, key, ()) if not isinstance(file.plan, str)]
        value = fault.get("value")
        return file.at(f"{key}[{listed.index(value)}]" if value in listed else key)

    return with_whole_paths(file.plan, path.parent), where


def by_option(fault: Event) -> str:
    """The option that a fault of the runner's is about."""
    key = _key(fault)
    return str(fault["where"]) if key is None else _option(key)


def _key(fault: Event) -> str | None:
    """The key of a plan that the runner speaks of; None where it names something else, such as a folder."""
    where = str(fault["where"])
    if not where.startswith("spec."):
        return None
    return KEY.get(where, where.removeprefix("spec."))


def _option(path: str) -> str:
    """The option for a key of a plan, by the last name of its path."""
    name = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
    return "--" + OPTION.get(name, name).replace("_", "-")
