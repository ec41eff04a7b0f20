"""Families of models on one device: do hybrid, distilled or plain ones take less energy or get more right?

Each family is held against all other models that were measured in the same setting, each model once. The
intervals are about other models of the family, not about these: a family of few models says little, whatever
the sensor. What models differ in by size counts too, so the energy for one multiply-accumulate stands beside.
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from analyzer.candidates import Candidate
from analyzer.configurations import Configuration
from analyzer.contrasts import LEAST, Contrast, contrast
from analyzer.ranking import NOTHING, group_of
from analyzer.scoring import pooled
from telemetry.contract.documents import Result
from telemetry.contract.ranking import RankingGroup

FAMILIES = ("hybrid", "distilled", "plain")

Setting = tuple[str, int, str]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its families, energy (J for 1,000 images), energy for 10⁹ MACs of an image, accuracy."""

    model: str
    families: tuple[str, ...]
    energy_j: float
    energy_per_gmac_j: float
    accuracy: float


class FamilyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """A family against all other models: logarithms of energy ratios, and a difference of accuracies."""

    family: str
    models: int
    others: int
    log_energy: Contrast
    log_energy_per_gmac: Contrast
    accuracy: Contrast


class Untold(msgspec.Struct, frozen=True, kw_only=True):
    """A family, or a model, that nothing is said of, and why."""

    name: str
    reason: str


class Families(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The families of one device, data set and origin, in the setting that most models were measured in."""

    group: RankingGroup
    precision: str | None
    batch_size: int | None
    backend: str | None
    members: tuple[Member, ...]
    effects: tuple[FamilyEffect, ...]
    untold: tuple[Untold, ...] = ()


def families_of(candidate: Candidate) -> tuple[str, ...]:
    """Return a model's families, as its table says; a plain one is neither hybrid nor distilled."""
    both = (("hybrid", candidate.hybrid), ("distilled", candidate.distilled))
    return tuple(name for name, true in both if true) or ("plain",)


def compare_families(
    trials: Sequence[Result], facts: Mapping[str, Candidate], excluded: Mapping[str, str] = NOTHING
) -> Families:
    """Return each family's effects from one table's trials; `facts` are what is published of each model."""
    configurations, elsewhere = commonest_setting(pooled(trials, excluded).configurations)
    known = [each for each in configurations if _told(facts.get(each.key[0]))]
    members = tuple(_member(each, facts[each.key[0]]) for each in known)
    effects = {name: _effect(name, members) for name in FAMILIES}
    precision, batch_size, backend = configurations[0].key[1:] if configurations else ("", 0, "")
    unknown = "no table says whether it is hybrid or distilled"
    nothing = [each.key[0] for each in configurations if each not in known]
    return Families(
        group=group_of(trials[0]),
        precision=precision or None,
        batch_size=batch_size or None,
        backend=backend or None,
        members=members,
        effects=tuple(effect for effect in effects.values() if isinstance(effect, FamilyEffect)),
        untold=(
            *(effect for effect in effects.values() if isinstance(effect, Untold)),
            *(Untold(name=model, reason=unknown) for model in nothing),
            *(Untold(name=model, reason="measured in another setting only") for model in elsewhere),
        ),
    )


def commonest_setting(
    configurations: Sequence[Configuration],
) -> tuple[list[Configuration], list[str]]:
    """Return the rows of the setting (precision, batch size, backend) that most models have, each model once.

    The names are those of the models that were measured in other settings only.
    """
    counts = Counter(each.key[1:] for each in configurations)
    if not counts:
        return [], []
    chosen = min(counts, key=lambda setting: (-counts[setting], setting))
    inside = [each for each in configurations if each.key[1:] == chosen]
    there = {each.key[0] for each in inside}
    return inside, sorted({each.key[0] for each in configurations} - there)


def _told(candidate: Candidate | None) -> bool:
    return candidate is not None and candidate.hybrid is not None and candidate.distilled is not None


def _member(configuration: Configuration, candidate: Candidate) -> Member:
    return Member(
        model=configuration.key[0],
        families=families_of(candidate),
        energy_j=configuration.mean_j,
        energy_per_gmac_j=configuration.mean_j / 1000 / candidate.macs_g,
        accuracy=configuration.accuracy,
    )


def _effect(family: str, members: Sequence[Member]) -> FamilyEffect | Untold:
    inside = np.array([family in each.families for each in members], np.bool_)
    count, others = int(inside.sum()), int(inside.size - inside.sum())
    if min(count, others) < LEAST:
        return Untold(
            name=family,
            reason=f"{count} models of it and {others} others are measured; {LEAST} of each are needed",
        )
    return FamilyEffect(
        family=family,
        models=count,
        others=others,
        log_energy=contrast(np.log([each.energy_j for each in members]), inside),
        log_energy_per_gmac=contrast(np.log([each.energy_per_gmac_j for each in members]), inside),
        accuracy=contrast(np.array([each.accuracy for each in members]), inside),
    )
