"""The plan of a campaign: what is measured, how often, in which order. Pure; files are read elsewhere.

Every combination of model, data set, batch size and precision is a configuration, and each is measured
`trials` times. Field by field: docs/trials.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import product
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

Precision = Literal["fp32", "fp16", "bf16", "amp-fp16", "amp-bf16"]
OnDevice = Literal["cpu", "cuda"]
Weights = Literal["auto", "random"]

Plain = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Model = Annotated[str, Meta(min_length=1, max_length=256)]
Number = Annotated[int, Meta(ge=1, le=999_999_999)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Degrees = Annotated[float, Meta(ge=0, le=150)]


class Steps(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What each trial goes through: rest, warm-up, measurement. Seconds, °C, milliseconds.

    The device rests `cooldown_s`, then until every temperature is within `cooldown_band_c` of what it was
    before the first trial (and the hottest at most `cooldown_to_c`, where that is given), but at most
    `cooldown_most_s`. Warm-up ends when batches take equally long, or after `warmup_s`. The measurement
    begins after a random delay of up to `delay_s` and repeats its images until `min_s` is over, with random
    pauses of up to `jitter_ms` between batches. `idle_s` is the rest before and after all trials, for the
    idle power.
    """

    idle_s: Seconds = 10.0
    cooldown_s: Seconds = 10.0
    cooldown_most_s: Seconds = 120.0
    cooldown_band_c: Degrees = 5.0
    cooldown_to_c: Degrees | None = None
    warmup_s: Seconds = 30.0
    min_s: Seconds = 10.0
    jitter_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0.0
    delay_s: Seconds = 1.0


class DataSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A data set by the name it has in rankings; `data` is a folder on the device, None generates images.

    `checkpoints` are the models that have weights of their own for it: model to file, on the device.
    """

    name: Plain
    data: str | None = None
    labels: bool = True
    images: Number = 1000
    checkpoints: dict[Model, str] = {}


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Other settings for the configurations that fit what is named; `model` may have wildcards.

    `skip` leaves them out. Where several overrides fit, the later one wins, field by field.
    """

    model: Model | None = None
    dataset: Plain | None = None
    batch_size: Number | None = None
    precision: Precision | None = None
    skip: bool = False
    trials: Number | None = None
    images: Number | None = None
    cooldown_s: Seconds | None = None
    cooldown_most_s: Seconds | None = None
    warmup_s: Seconds | None = None
    min_s: Seconds | None = None
    jitter_ms: Annotated[float, Meta(ge=0, le=60_000)] | None = None

    def fits(self, one: Configuration) -> bool:
        """Whether a configuration is among those named."""
        return (
            (self.model is None or fnmatchcase(one.model, self.model))
            and self.dataset in (None, one.dataset)
            and self.batch_size in (None, one.batch_size)
            and self.precision in (None, one.precision)
        )


class CampaignPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a campaign measures. The same plan gives the same trials in the same order."""

    name: Plain
    models: tuple[Model, ...]
    datasets: tuple[DataSet, ...] = (DataSet(name="imagenet-1k"),)
    batch_sizes: tuple[Number, ...] = (32,)
    precisions: tuple[Precision, ...] = ("fp32",)
    trials: Number = 3
    seed: Annotated[int, Meta(ge=0, le=999_999_999)] = 0
    device: OnDevice = "cpu"
    weights: Weights = "auto"
    threads: Number | None = None
    protocol: Steps = Steps()
    overrides: tuple[Override, ...] = ()


class Configuration(NamedTuple):
    """What is compared: trials differ in nothing but when they ran."""

    model: str
    dataset: str
    batch_size: int
    precision: str

    def __str__(self) -> str:
        return f"{self.model}, {self.dataset}, batch {self.batch_size}, {self.precision}"


class Key(msgspec.Struct, frozen=True):
    """One trial of a plan, whenever it runs."""

    configuration: Configuration
    index: int


class Planned(NamedTuple):
    """One trial with all that is in force for it; `order` is its place in the plan, from 0."""

    key: Key
    order: int
    dataset: DataSet
    steps: Steps


class Fault(NamedTuple):
    """What is wrong with a plan: where (a path such as ``overrides[1]``), and what would be right."""

    path: str
    words: str


def faults(plan: CampaignPlan) -> Iterator[Fault]:
    """What no type can tell of a plan; none of it may stand."""
    for name in ("models", "datasets", "batch_sizes", "precisions"):
        values = [getattr(each, "name", each) for each in getattr(plan, name)]
        if not values:
            yield Fault(name, "at least one is expected")
        for at, value in enumerate(values):
            if value in values[:at]:
                right = "each once; `trials` says how often each is measured"
                yield Fault(f"{name}[{at}]", f"{value} stands there twice; {right}")
    yield from _idle_checkpoints(plan)
    everything = list(_combinations(plan))
    for at, override in enumerate(plan.overrides):
        if not any(override.fits(one) for one in everything):
            yield Fault(f"overrides[{at}]", "no configuration of this plan fits what it names")
    chosen = list(configurations(plan))
    if everything and not chosen:
        yield Fault("overrides", "every configuration is skipped; at least one must be left")
    sets = {data.name: data for data in plan.datasets}
    for at, size in enumerate(plan.batch_sizes):
        same = [_in_force(plan, one, sets[one.dataset])[0] for one in chosen if one.batch_size == size]
        short = next((data for data in same if data.images < size), None)
        if short:
            words = f"a batch of {size} cannot come from the {short.images} images of {short.name}"
            yield Fault(f"batch_sizes[{at}]", words)


def _idle_checkpoints(plan: CampaignPlan) -> Iterator[Fault]:
    for at, data in enumerate(plan.datasets):
        for model in sorted(set(data.checkpoints) - set(plan.models)):
            yield Fault(f"datasets[{at}].checkpoints", f"{model} is none of this plan's models")


def configurations(plan: CampaignPlan) -> Iterator[Configuration]:
    """Every configuration that is measured, in the order of the plan's lists."""
    for one in _combinations(plan):
        if not any(override.skip for override in plan.overrides if override.fits(one)):
            yield one


def trials_of(plan: CampaignPlan) -> list[Planned]:
    """Every trial of a plan in the order in which it runs.

    Repetitions are blocks: each has every configuration once, in a random order of its own, data set by data
    set. So whatever drifts over the campaign meets all of them alike.
    """
    draw = random.Random(f"{plan.name}/{plan.seed}")
    sets = {data.name: data for data in plan.datasets}
    chosen = list(configurations(plan))
    planned: list[Planned] = []
    for index in range(max((_count(plan, one) for one in chosen), default=0)):
        for name in draw.sample(list(sets), len(sets)):
            block = [one for one in chosen if one.dataset == name and index < _count(plan, one)]
            for one in draw.sample(block, len(block)):
                dataset, steps = _in_force(plan, one, sets[name])
                planned.append(Planned(Key(one, index), len(planned), dataset, steps))
    return planned


def least_s(planned: Planned) -> float:
    """How long a trial takes at least, seconds: rest and measurement; warm-up and loading come on top."""
    return planned.steps.cooldown_s + planned.steps.min_s


def _combinations(plan: CampaignPlan) -> Iterator[Configuration]:
    for data in plan.datasets:
        for model, size, precision in product(plan.models, plan.batch_sizes, plan.precisions):
            yield Configuration(model, data.name, size, precision)


def _count(plan: CampaignPlan, one: Configuration) -> int:
    told = [each.trials for each in plan.overrides if each.fits(one) and each.trials is not None]
    return told[-1] if told else plan.trials


def _in_force(plan: CampaignPlan, one: Configuration, dataset: DataSet) -> tuple[DataSet, Steps]:
    """The data set and the steps of a configuration, with what overrides say of it."""
    told: dict[str, object] = {}
    for override in plan.overrides:
        if override.fits(one):
            fields = msgspec.structs.asdict(override)
            told.update({name: value for name, value in fields.items() if value is not None})
    steps = {name: told[name] for name in Steps.__struct_fields__ if name in told}
    images = {"images": told["images"]} if "images" in told else {}
    return msgspec.structs.replace(dataset, **images), msgspec.structs.replace(plan.protocol, **steps)
