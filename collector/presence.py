"""Two live boots under one name: two devices that were given the same name (pure).

A boot lives while its own health reports come. A restart is none: the next boot answers for what the one
before it left, so its reports name that boot; and a boot whose spool was thrown away falls silent. No clock
of a node is believed, because two devices that share a name may both stand in 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from telemetry.contract.frames import HealthFrame

BOTH_S = 30.0
"""A boot that reports so long after another began lives beside it: what was on its way had come by then."""
LIVE_S = 90.0
"""A boot without a report for so long lives no more; reports come at least every minute."""
MAX_BOOTS = 4
MAX_OVER = 64


class Twins(NamedTuple):
    """Two boots that live under one name."""

    earlier: str
    later: str


@dataclass
class Life:
    """When a boot's reports came, first and last (seconds of the collector's rising clock)."""

    first_s: float
    last_s: float


@dataclass
class Name:
    """The boots of one node: those that report, those that are over, and those that were told of."""

    lives: dict[str, Life] = field(default_factory=dict)
    over: dict[str, None] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)


class Presence:
    """The boots of each node that live now."""

    def __init__(self) -> None:
        self._names: dict[str, Name] = {}

    def heard(self, node: str, report: HealthFrame, now_s: float) -> Twins | None:
        """A health report came at `now_s`. Two boots that live, once for each later one."""
        name = self._names.setdefault(node, Name())
        for stream in report.streams:
            if stream.final or stream.boot != report.boot:
                name.lives.pop(stream.boot, None)
                _remember(name.over, stream.boot)
        if report.boot in name.over:
            return None
        name.lives.setdefault(report.boot, Life(now_s, now_s)).last_s = now_s
        if len(name.lives) > MAX_BOOTS:
            del name.lives[min(name.lives, key=lambda boot: name.lives[boot].last_s)]
        twins = _twins(name.lives, now_s)
        if twins is None or twins.later in name.told:
            return None
        _remember(name.told, twins.later)
        return twins


def _twins(lives: Mapping[str, Life], now_s: float) -> Twins | None:
    """The boot that began last, and the liveliest of those that outlived its beginning."""
    later = max(lives, key=lambda boot: lives[boot].first_s)
    if now_s - lives[later].last_s > LIVE_S:
        return None
    since_s = lives[later].first_s + BOTH_S
    beside = {boot: life.last_s for boot, life in lives.items() if boot != later and life.last_s > since_s}
    return Twins(max(beside, key=lambda boot: beside[boot]), later) if beside else None


def _remember(boots: dict[str, None], boot: str) -> None:
    """Notes a boot; of too many the one that was noted first is forgotten."""
    boots.pop(boot, None)
    boots[boot] = None
    if len(boots) > MAX_OVER:
        del boots[next(iter(boots))]
