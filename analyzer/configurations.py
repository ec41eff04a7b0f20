"""Configurations: the trials of one model, precision, batch size and backend, pooled for a ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analyzer.energy.states import worst
from telemetry.contract.documents import Result, ResultState
from telemetry.contract.ranking import RefusedModel

Floats = NDArray[np.float64]
CHECKPOINT = "checkpoint:"  # how the weights of a trial begin that has its own
NO_ACCURACY = "no accuracy is known"
"""Why a configuration without an accuracy is not ranked."""
Key = tuple[str, str, int, str]


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on one set of distinct images: `n` of them (None: taken as exact), and the hits if known.

    `hits` holds, for each image in the subset's order, the share of trials that got it right.
    """

    subset: str | None
    value: float
    n: int | None
    hits: Floats | None = None


@dataclass(frozen=True)
class Configuration:
    """One row to be: at least one trial with an energy, and an accuracy."""

    trials: tuple[Result, ...]
    joules: Floats  # per 1,000 images, one for each trial
    accuracies: tuple[Accuracy, ...]
    accuracy_origin: str | None

    @property
    def key(self) -> Key:
        return key_of(self.trials[0])

    @cached_property
    def mean_j(self) -> float:
        return float(self.joules.mean())

    @cached_property
    def accuracy(self) -> float:
        """The pooled accuracy: every distinct image counts once."""
        if len(self.accuracies) == 1:
            return self.accuracies[0].value
        weights = [part.n or 1 for part in self.accuracies]
        return float(np.average([part.value for part in self.accuracies], weights=weights))

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(sorted({trial.node for trial in self.trials}))

    @property
    def state(self) -> ResultState:
        return worst(trial.state for trial in self.trials)


def key_of(trial: Result) -> Key:
    """Return what makes a configuration; what is not told is one value of its own."""
    return (trial.model or "", trial.precision or "", trial.batch_size or 0, trial.backend or "")


def gather(
    trials: Iterable[Result], excluded: Mapping[str, str]
) -> tuple[list[Configuration], list[RefusedModel]]:
    """Return the configurations in the order of their keys, and what cannot be ranked, with reasons."""
    usable: dict[Key, list[Result]] = defaultdict(list)
    refused = []
    for trial in sorted(trials, key=lambda trial: (key_of(trial), trial.window)):
        why = _refusal(trial, excluded)
        if why is None:
            usable[key_of(trial)].append(trial)
        else:
            refused.append(RefusedModel(model=trial.model or "", reason=f"trial {trial.window}: {why}"))
    configurations = []
    for mixed in usable.values():
        same, others = _of_newest_weights(mixed)
        refused += others
        accuracies, origin = _accuracies(same)
        if accuracies:
            joules = np.array([joules_of(trial) for trial in same])
            configurations.append(Configuration(tuple(same), joules, accuracies, origin))
        else:
            refused.append(RefusedModel(model=same[0].model or "", reason=NO_ACCURACY))
    return configurations, refused


def _of_newest_weights(trials: list[Result]) -> tuple[list[Result], list[RefusedModel]]:
    """Return the trials of one checkpoint, the one of the newest trial: two have two accuracies."""
    if not any(_weights(trial).startswith(CHECKPOINT) for trial in trials):
        return trials, []
    newest = _weights(max(trials, key=lambda trial: trial.begin))
    kept = [trial for trial in trials if _weights(trial) == newest]
    refused = [
        RefusedModel(
            model=trial.model or "",
            reason=f"trial {trial.window}: its weights are {_weights(trial)}, those of a newer one {newest}",
        )
        for trial in trials
        if _weights(trial) != newest
    ]
    return kept, refused


def _weights(trial: Result) -> str:
    return (trial.protocol.weights if trial.protocol else None) or "not told"


def joules_of(trial: Result) -> float | None:
    """Return the energy for 1,000 images (J), None where it is not known."""
    if trial.j_per_1000 is None and trial.energy_j is not None and trial.images:
        return 1000.0 * trial.energy_j / trial.images
    return trial.j_per_1000


def _refusal(trial: Result, excluded: Mapping[str, str]) -> str | None:
    if trial.window in excluded:
        return f"excluded: {excluded[trial.window]}"
    if trial.state == "invalid":
        return f"invalid: {', '.join((*trial.reasons, *trial.flags)) or 'no reason given'}"
    joules = joules_of(trial)
    if joules is None:
        return "no energy for each image"
    if not joules > 0:
        return f"an energy of {joules:g} J for 1,000 images"
    if trial.accuracy is not None and not 0.0 <= trial.accuracy <= 1.0:
        return f"an accuracy of {trial.accuracy:g}: a fraction from 0 to 1 is expected"
    return None


def _accuracies(trials: list[Result]) -> tuple[tuple[Accuracy, ...], str | None]:
    """Return the accuracy on each set of distinct images, and its origin: measured wins."""
    known = [trial for trial in trials if trial.accuracy is not None]
    known = [trial for trial in known if trial.accuracy_origin == "measured"] or known
    if not known:
        return (), None
    origin = known[0].accuracy_origin
    by_subset: dict[str | None, list[Result]] = defaultdict(list)
    for trial in known:
        by_subset[trial.subset if origin == "measured" else None].append(trial)
    return tuple(_on_one_subset(subset, same, origin) for subset, same in by_subset.items()), origin


def _on_one_subset(subset: str | None, trials: list[Result], origin: str | None) -> Accuracy:
    """Pool trials on the same images: repeating them adds no image."""
    values = [trial.accuracy for trial in trials if trial.accuracy is not None]
    sizes = [n for n in (_distinct(trial, origin) for trial in trials) if n]
    n = max(sizes, default=None)
    hits = [bits for bits in (hits_of(trial) for trial in trials) if bits is not None and len(bits) == n]
    if subset is not None and hits:
        mean_hits = np.mean(hits, axis=0)
        return Accuracy(subset, float(mean_hits.mean()), n, mean_hits)
    return Accuracy(subset, sum(values) / len(values), n)


def _distinct(trial: Result, origin: str | None) -> int | None:
    if trial.accuracy_n is not None:
        return trial.accuracy_n
    return trial.images if origin == "measured" else None


def hits_of(trial: Result) -> Floats | None:
    """Return for each image of the subset the share of its passes that got it right, from a result's `hits`.

    They are the contract's packed bits (least significant first) written in hexadecimal, pass after pass
    over the same images: a second pass adds no image.
    """
    n = _distinct(trial, "measured")
    if trial.hits is None or not n:
        return None
    seen = max(trial.images or n, n)
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(trial.hits), np.uint8), bitorder="little")[:seen]
    if len(bits) < n:
        return None
    image = np.arange(len(bits)) % n
    return np.bincount(image, bits, n) / np.bincount(image, minlength=n)
