"""Nodes of one kind against each other: whose energy for an image is far from the others'. Pure.

A node's level is the middle of its last windows; it is far when it lies more than `4.2 + 35 / n` robust
spreads from the median of its n peers. With Gaussian levels less than one healthy group in a hundred ever
has such a node (tests/unit/fleet/test_peers.py): levels of devices differ for good, so that looking again and
again adds nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.fleet.course import MAD, Job
from analyzer.fleet.signs import Latch, Sign

LEAST_PEERS = 6
LEAST_SPREAD = 0.02
"""Levels of healthy devices differ by their sensors' gain at least."""
STALE_NS = 3_600 * 1_000_000_000
NEAR = 0.8
"""It is no outlier any more when it comes back to this share of the distance."""
LOOKS = 3


class Kind(NamedTuple):
    """Whose energies can be compared."""

    device: str | None
    power_mode: str | None
    app: str
    model: str


class _Level(NamedTuple):
    value: float
    at: int


class Peers:
    """The nodes of one kind, each with its level of ln J for 1,000 images."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._levels: dict[Job, _Level] = {}
        self._latches: dict[Job, Latch] = {}

    def take(self, job: Job, level: float, at: int) -> Sign | None:
        """A node's level at a time (ns), and the sign that it is an outlier from now on, or none any more."""
        self._levels[job] = _Level(level, at)
        newest = max(each.at for each in self._levels.values())
        self._levels = {who: each for who, each in self._levels.items() if newest - each.at < STALE_NS}
        latch = self._latches.setdefault(job, Latch(LOOKS, LOOKS))
        if len(self._levels) < LEAST_PEERS or job not in self._levels:
            return None
        values = np.array([each.value for each in self._levels.values()])
        middle = float(np.median(values))
        spread = max(MAD * float(np.median(np.abs(values - middle))), LEAST_SPREAD)
        far = (4.2 + 35 / len(values)) * (NEAR if latch.state else 1.0)
        turn = latch.see(holds=abs(level - middle) > far * spread, at_ns=at)
        if turn is None:
            return None
        percent = math.expm1(level - middle) * 100
        more = "more" if percent > 0 else "less"
        words = (
            f"{job.node}: {job.subject} needs {abs(percent):.1f} % {more} energy for an image "
            f"than {len(values) - 1} others of its kind"
        )
        return Sign(
            turn=turn,
            kind="outlier",
            node=job.node,
            subject=job.subject,
            at=latch.since_ns,
            words=words,
            device=self.kind.device,
            model=job.model,
            value=math.exp(level),
            expected=math.exp(middle),
            unit="J/1000 images",
        )
