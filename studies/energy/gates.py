"""What the study must show: the figures that its intervals have to reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from studies.energy.cells import Tally

COVERED = (0.93, 0.97)
LEAST_COVERED = 0.90
WIDEST = 1.5
# A narrower interval than this share of the energy is no burden, however wide its error would let it be.
NARROW = 0.001
LEAST_VALID = 0.60
LONG_S = 10.0


class Gate(NamedTuple):
    """One demand: what was asked, what came out, and which cells miss it."""

    name: str
    asked: str
    found: str
    is_met: bool
    misses: tuple[str, ...] = ()


def gates(tallies: Sequence[Tally]) -> list[Gate]:
    """Every demand, judged. Coverage and width are those of cells called valid."""
    valid = [tally for tally in tallies if tally.is_valid]
    return [
        _overall("energy_u95_j holds the truth", valid, lambda tally: (tally.covered, tally.counted)),
        _lowest("energy_u95_j in each valid cell", valid, lambda tally: tally.coverage),
        _overall(
            "energy_u95_comparable_j, ratio of two models",
            [tally for tally in valid if tally.is_ratio_valid],
            lambda tally: (tally.ratio_covered, tally.ratio_counted),
        ),
        _lowest("energy_u95_comparable_j in each valid cell", valid, lambda tally: tally.ratio_coverage),
        _widest(valid),
        _share_valid(tallies),
        _impossible(tallies),
    ]


def _overall(name: str, valid: list[Tally], counts: Callable[[Tally], tuple[int, int]]) -> Gate:
    covered, counted = (sum(column) for column in zip(*map(counts, valid), strict=True)) if valid else (0, 0)
    share = covered / counted if counted else 0.0
    found = f"{share:.1%} of {counted:,} repeats"
    return Gate(f"{name}: overall", "93 % to 97 %", found, COVERED[0] <= share <= COVERED[1])


def _lowest(name: str, valid: list[Tally], coverage: Callable[[Tally], float | None]) -> Gate:
    found = [(share, tally.name) for tally in valid if (share := coverage(tally)) is not None]
    misses = tuple(f"{cell}: {share:.1%}" for share, cell in sorted(found) if share < LEAST_COVERED)
    lowest = min(found, default=(0.0, "none"))
    return Gate(f"{name}: lowest", "never under 90 %", f"{lowest[0]:.1%} ({lowest[1]})", not misses, misses)


def _widest(valid: list[Tally]) -> Gate:
    found = [
        (tally.width, tally.name)
        for tally in valid
        if tally.width is not None and tally.u95 is not None and tally.u95 > NARROW
    ]
    misses = tuple(f"{cell}: {width:.2f}" for width, cell in sorted(found, reverse=True) if width > WIDEST)
    widest = max(found, default=(0.0, "none"))
    return Gate(
        "u95 over the error that 95 % stay below: widest",
        "at most 1.5 in each valid cell with u95 > 0.1 %",
        f"{widest[0]:.2f} ({widest[1]})",
        not misses,
        misses,
    )


def _share_valid(tallies: Sequence[Tally]) -> Gate:
    long = [tally for tally in tallies if tally.length_s >= LONG_S]
    valid = sum(tally.is_valid for tally in long)
    share = valid / len(long) if long else 0.0
    return Gate(
        "cells with trials of 10 s or more that are valid",
        "at least 60 %",
        f"{share:.0%} ({valid} of {len(long)})",
        share >= LEAST_VALID or not long,
    )


def _impossible(tallies: Sequence[Tally]) -> Gate:
    """A trial of a second tells next to nothing on a sensor that averages over one or is read once in it."""
    hopeless = [
        tally for tally in tallies if tally.length_s <= 1 and tally.sensor in {"rtx-average", "tx2@1"}
    ]
    misses = tuple(tally.name for tally in hopeless if tally.states[0])
    found = f"{len(hopeless) - len(misses)} of {len(hopeless)} never are"
    return Gate(
        "cells that cannot be: 1 s at 1 Hz, or on a mean of 1 s", "never valid", found, not misses, misses
    )
