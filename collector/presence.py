"""Two live boots under one name: two devices that were given the same name (pure).

A boot that ended leaves a backlog, which its successor sends: old frames prove no life. Fresh ones do.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.contract.nodetime import NS_PER_S

FRESH_NS = 10 * NS_PER_S
"""A frame that is so old, or so far ahead, when it comes, says nothing about now."""
BOTH_NS = 30 * NS_PER_S
"""A boot with fresh frames so long after another began is alive beside it."""
MAX_BOOTS = 4


@dataclass
class Life:
    """When fresh frames of a boot came, first and last (UTC ns)."""

    first_ns: int
    last_ns: int


class Presence:
    """The boots of each node that live now."""

    def __init__(self) -> None:
        self._lives: dict[str, dict[str, Life]] = {}
        self._named: set[tuple[str, str]] = set()

    def seen(self, node: str, boot: str, node_ns: int, utc_ns: int) -> str | None:
        """A frame of node time `node_ns` came at `utc_ns`; the later of two live boots, once."""
        if abs(node_ns - utc_ns) > FRESH_NS:
            return None
        lives = self._lives.setdefault(node, {})
        lives.setdefault(boot, Life(utc_ns, utc_ns)).last_ns = utc_ns
        if len(lives) == 1:
            return None
        if len(lives) > MAX_BOOTS:
            del lives[min(lives, key=lambda each: lives[each].last_ns)]
        later = max(lives, key=lambda each: lives[each].first_ns)
        began_ns = lives[later].first_ns
        both = any(life.last_ns > began_ns + BOTH_NS for name, life in lives.items() if name != later)
        if not both or (node, later) in self._named:
            return None
        self._named.add((node, later))
        return later
