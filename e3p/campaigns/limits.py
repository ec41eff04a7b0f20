"""What a node's owner lets campaigns do on it. Pure.

A command can choose among what the owner has named, and can name nothing itself: no program, no interpreter,
no path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

import msgspec

from edge_node.settings import EdgeSettings
from telemetry.contract.plan import CampaignPlan, DataSet, Fault, configurations, faults, least_s, trials_of

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
DATA_KEYS = {"name", "data", "labels", "images", "checkpoints"}
MOST_CONFIGURATIONS = 1_000
MOST_TRIALS = 10_000
MOST_OVERRIDES = 100
HOUR_S = 3_600.0


def refusal(plan: CampaignPlan, settings: EdgeSettings) -> str | None:
    """Why this node does not carry out a plan; None where it does."""
    if settings.campaigns == "off":
        return 'its owner has not let campaigns in: campaigns = "on" in [edge]'
    return _too_much(plan) or _not_lawful(plan) or _not_here(plan, settings) or _too_long(plan, settings)


def cannot_travel(plan: CampaignPlan) -> Iterator[Fault]:
    """What no plan may hold that is sent to a node: paths, and whatever is not known to be none."""
    for at, model in enumerate(plan.models):
        if not MODEL.fullmatch(model):
            yield Fault(
                f"models[{at}]", f"{model!r:.80} cannot be sent to a node; a campaign takes timm's names"
            )
    for at, each in enumerate(plan.datasets):
        for key, names in (("data", _data(each)), ("checkpoints", each.checkpoints.values())):
            for name in names:
                if not NAME.fullmatch(name):
                    right = "a name that each node's owner gave to a place there, in [edge.campaign_data]"
                    yield Fault(f"datasets[{at}].{key}", f"{name!r:.80} is no name; right is {right}")
        for key in sorted(msgspec.to_builtins(each).keys() - DATA_KEYS):
            yield Fault(f"datasets[{at}].{key}", f"a campaign sends no {key} to nodes")


def with_folders(plan: CampaignPlan, settings: EdgeSettings) -> CampaignPlan:
    """The plan with this node's folders and files for the names of its data and checkpoints."""
    place = settings.campaign_data
    sets = [
        msgspec.structs.replace(
            each,
            data=None if each.data is None else place[each.data],
            checkpoints={model: place[name] for model, name in each.checkpoints.items()},
        )
        for each in plan.datasets
    ]
    return msgspec.structs.replace(plan, datasets=tuple(sets))


def _too_much(plan: CampaignPlan) -> str | None:
    """Sizes come first: all that follows takes time with them."""
    lists = (plan.models, plan.datasets, plan.batch_sizes, plan.precisions)
    most = max([plan.trials, *(each.trials or 0 for each in plan.overrides)])
    if prod(map(len, lists)) > MOST_CONFIGURATIONS or len(plan.overrides) > MOST_OVERRIDES:
        return f"its plan has more than {MOST_CONFIGURATIONS} configurations or {MOST_OVERRIDES} overrides"
    if most * len(list(configurations(plan))) > MOST_TRIALS:
        return f"its plan may have more than {MOST_TRIALS} trials"
    return None


def _not_lawful(plan: CampaignPlan) -> str | None:
    for fault in faults(plan):
        return f"its plan: {fault.path}: {fault.words}"
    for fault in cannot_travel(plan):
        return f"its plan: {fault.path}: {fault.words}"
    return None


def _not_here(plan: CampaignPlan, settings: EdgeSettings) -> str | None:
    known = ", ".join(sorted(settings.campaign_data)) or "none"
    for each in plan.datasets:
        for name in (*_data(each), *each.checkpoints.values()):
            if name not in settings.campaign_data:
                return f"it has no data called {name!r:.80} (its owner has named {known})"
    return None


def _data(dataset: DataSet) -> list[str]:
    """The name of its data, where it has any."""
    return [] if dataset.data is None else [dataset.data]


def _too_long(plan: CampaignPlan, settings: EdgeSettings) -> str | None:
    hours = sum(map(least_s, trials_of(plan))) / HOUR_S
    if hours > settings.campaign_hours:
        return f"its plan takes {hours:.1f} h at least, and its owner allows {settings.campaign_hours:g} h"
    return None
