"""``python -m studies.ranking [WORLDS]``: coverage over many worlds of chance, as a table.

The tests do the same with as few worlds as seconds allow; this takes minutes, and knows each share to 1 %.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from math import sqrt

import numpy as np

from analyzer.beats import kendall_tau
from analyzer.contrasts import contrast
from tests.unit.ranking.test_devices import World, drawn

SIZES = ((3, 10), (4, 9), (5, 8), (6, 7))


def main(worlds: int) -> None:
    """Prints each interval's coverage with its standard error."""
    covered: dict[str, list[bool]] = defaultdict(list)
    for seed in range(worlds):
        for name, inside in _devices(drawn(seed)):
            covered[name].append(inside)
        for name, inside in _families(seed):
            covered[name].append(inside)
    for name, found in covered.items():
        share = float(np.mean(found))
        error = sqrt(share * (1 - share) / len(found))
        sys.stdout.write(f"{name:<48} {100 * share:5.1f} % ± {100 * error:.1f} of {len(found)}\n")


def _devices(world: World) -> list[tuple[str, bool]]:
    found = []
    for pair in world.comparison.agreements:
        truth = kendall_tau(world.sams[pair.one].tolist(), world.sams[pair.other].tolist()) or 0.0
        found.append(("tau of two devices", pair.tau_lo - 1e-6 <= truth <= pair.tau_hi + 1e-6))
    for pick in world.comparison.carried:
        there, energies = world.sams[pick.to], world.energies[pick.to]
        regret = 1 - there[pick.pick] / there.max()
        found.append(("regret in SAM of a carried pick", pick.regret_lo <= regret <= pick.regret_hi))
        best = world.comparison.devices[pick.to].pick
        more = energies[pick.pick] - energies[best]
        if pick.pick != best:
            inside = pick.regret_energy_lo <= more <= pick.regret_energy_hi
            found.append(("regret in energy of a carried pick", bool(inside)))
    for added in world.comparison.added:
        there = world.sams[added.device]
        regret = 1 - there[added.pick_without] / there.max()
        found.append(("regret of a choice without the device", added.regret_lo <= regret <= added.regret_hi))
    return found


def _families(seed: int) -> list[tuple[str, bool]]:
    found = []
    for one, other in SIZES:
        rng = np.random.default_rng([21, seed, one])
        values = np.concatenate([1.0 + rng.standard_normal(one), rng.standard_normal(other)])
        effect = contrast(values, np.arange(one + other) < one)
        found.append((f"difference of {one} and {other} models", effect.lo <= 1.0 <= effect.hi))
        found.append((f"Hedges' g of {one} and {other} models", effect.g_lo <= 1.0 <= effect.g_hi))
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
