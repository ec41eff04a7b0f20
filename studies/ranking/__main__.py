"""``python -m studies.ranking [WORLDS]``: how often rankings, devices and predictions say the truth.

The tests do the same with as few worlds as seconds allow; this takes minutes, and knows each share to 1 %.
Exit code 1 where an interval of a ranking holds the truth less often than in 93 of 100 cases, or more often
than in 97, by more than two standard errors.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import NamedTuple

import numpy as np

from studies.energy.page import table
from studies.ranking import held, worlds
from tests.unit.ranking.test_devices import drawn as drawn_devices

GATED = ("SAM of a model", "energy of a model", "regret in ", "tau of ")
ASKED = (0.93, 0.97)


class Share(NamedTuple):
    """How often something was so: of all cases, with the standard error that the worlds' differences show."""

    value: float
    error: float
    cases: int


def main(count: int) -> int:
    """Prints every share as a table; 1 where a gate is missed."""
    told: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for seed in range(count):
        world: dict[str, list[bool]] = defaultdict(list)
        for name, is_so in _world(seed):
            world[name].append(is_so)
        for name, found in world.items():
            told[name].append((sum(found), len(found)))
    families = [name.partition(" is ")[0] for name in told]
    order = sorted(told, key=lambda name: (families.index(name.partition(" is ")[0]), name))
    shares = {name: share(told[name]) for name in order}
    print(table(("what is said", "is so", "cases"), [_row(name, each) for name, each in shares.items()]))
    missed = misses(shares)
    for name in missed:
        print(f"not in {100 * ASKED[0]:.0f} to {100 * ASKED[1]:.0f} % of cases: {name}")
    return int(bool(missed))


def misses(shares: Mapping[str, Share]) -> list[str]:
    """What is gated, and beyond the bounds by more than chance does."""
    low, high = ASKED
    gated = {name: found for name, found in shares.items() if name.startswith(GATED)}
    return [
        name
        for name, found in gated.items()
        if not low - 2 * found.error <= found.value <= high + 2 * found.error
    ]


def share(counts: list[tuple[int, int]]) -> Share:
    """Of each world, how many of how many: what stands in one world is not independent, worlds are."""
    right, cases = np.array(counts, np.float64).T
    value = float(right.sum() / cases.sum())
    spread = float(np.sum((right - value * cases) ** 2))
    return Share(value, sqrt(spread) / float(cases.sum()), int(cases.sum()))


def _row(name: str, found: Share) -> tuple[str, str, str]:
    return name, f"{100 * found.value:.1f} ± {100 * found.error:.1f} %", f"{found.cases:,}"


def _world(seed: int) -> Iterator[tuple[str, bool]]:
    yield from held.of_table(worlds.drawn(seed))
    yield from held.of_devices(drawn_devices(seed))
    yield from held.of_families(seed)
    yield from held.of_predictions(seed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
