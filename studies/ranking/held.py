"""What the documents of one world say, held against its truth: each a name, and whether it is so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from analyzer.beats import BEATEN, kendall_tau
from analyzer.contrasts import contrast
from studies.ranking.worlds import Table
from tests.unit.ranking.test_devices import World
from tests.unit.ranking.test_prediction import FAMILY, OWN, candidate, fitted, lawful, measured

TINY = 1e-6  # documents are rounded
STEPS = {0.5: "0.5 to 0.7", 0.7: "0.7 to 0.85", 0.85: "0.85 to 0.95", BEATEN: "0.95 and more"}
SIZES = ((3, 10), (4, 9), (5, 8), (6, 7))
FAMILIES = ((6, 4), (10, 2))

Held = Iterator[tuple[str, bool]]


def of_table(table: Table) -> Held:
    """Intervals of the rows, tie groups, probabilities, and NetScore's pick."""
    rows, truths = table.ranking.rows, table.truths
    sams = [truth.sam for truth in truths]
    for row, truth in zip(rows, truths, strict=True):
        yield "SAM of a model", row.sam_lo <= truth.sam <= row.sam_hi
        yield "energy of a model", abs(row.energy - truth.energy_j) <= row.energy_u95
    yield from _of_ties([row.tie_group for row in rows], sams)
    for one, other in combinations(range(len(rows)), 2):
        p = table.ranking.p_better[one][other] or 0.0
        low = max((step for step in STEPS if p >= step), default=None)
        if low is not None:
            yield f"A truly beats B, where P(A beats B) is {STEPS[low]}", sams[one] > sams[other]
    yield from _of_netscore(table, sams)


def _of_ties(groups: list[int], sams: list[float]) -> Held:
    yield "the truly best model is in the first tie group", groups[int(np.argmax(sams))] == 1
    firsts = [groups.index(group) for group in sorted(set(groups))]
    for one, other in pairwise(firsts):
        yield "the first of a tie group truly beats the first of the next", sams[one] > sams[other]
    for one, other in combinations(range(len(sams)), 2):
        if groups[one] < groups[other]:
            yield "two models of different tie groups stand in their true order", sams[one] > sams[other]


def _of_netscore(table: Table, sams: list[float]) -> Held:
    check = table.ranking.netscore
    if check is None or check.tau_lo is None or check.tau_hi is None:
        return
    pick = check.pick - 1
    truth = kendall_tau([row.netscore for row in check.rows], sams) or 0.0
    yield "tau of NetScore and SAM", check.tau_lo - TINY <= truth <= check.tau_hi + TINY
    regret = 1.0 - sams[pick] / max(sams)
    yield "regret in SAM of NetScore's pick", check.regret_lo - TINY <= regret <= check.regret_hi + TINY
    more = table.truths[pick].energy_j - table.truths[0].energy_j
    low, high = check.regret_energy_lo, check.regret_energy_hi
    if pick and low is not None and high is not None:
        yield "regret in energy of NetScore's pick", low <= more <= high


def of_devices(world: World) -> Held:
    """How far devices agree, and what a pick of one loses on another."""
    for pair in world.comparison.agreements:
        truth = kendall_tau(world.sams[pair.one].tolist(), world.sams[pair.other].tolist()) or 0.0
        yield "tau of two devices", pair.tau_lo - TINY <= truth <= pair.tau_hi + TINY
    for carried in world.comparison.carried:
        there, energies = world.sams[carried.to], world.energies[carried.to]
        regret = 1 - there[carried.pick] / there.max()
        yield "regret in SAM of a carried pick", carried.regret_lo <= regret <= carried.regret_hi
        best = world.comparison.devices[carried.to].pick
        more = energies[carried.pick] - energies[best]
        if carried.pick != best:
            inside = carried.regret_energy_lo <= more <= carried.regret_energy_hi
            yield "regret in energy of a carried pick", bool(inside)
    for added in world.comparison.added:
        there = world.sams[added.device]
        regret = 1 - there[added.pick_without] / there.max()
        yield "regret of a choice without the device", added.regret_lo <= regret <= added.regret_hi


def of_families(seed: int) -> Held:
    """Differences of small groups of models whose truth is 1."""
    for one, other in SIZES:
        rng = np.random.default_rng([21, seed, one])
        values = np.concatenate([1.0 + rng.standard_normal(one), rng.standard_normal(other)])
        effect = contrast(values, np.arange(one + other) < one)
        yield f"difference of {one} and {other} models", effect.lo <= 1.0 <= effect.hi
        yield f"Hedges' g of {one} and {other} models", effect.g_lo <= 1.0 <= effect.g_hi


def of_predictions(seed: int) -> Held:
    """A model of a family that was not measured."""
    for families, models in FAMILIES:
        rng = np.random.default_rng([6, seed, families])
        found = fitted(measured(families, models, rng))
        new = candidate("new", "unseen", rng)
        truth = lawful(new) + FAMILY * rng.standard_normal() + OWN * rng.standard_normal()
        low, high = found.interval(found.predict(new))
        yield f"energy predicted from {families} families of {models}", low <= truth <= high
