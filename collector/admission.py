"""Who is let in: the bounds on nodes, on the streams of a node and on its boots (pure).

What is not let in is shed: its node still has it, and it is let in once there is room. So a flood of names
costs neither memory nor room in the store, and no honest frame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from collector.settings import CollectorSettings
from telemetry.contract.frames import StreamKey

Bound = Literal["nodes", "streams", "boots"]
HOUR_S = 3600.0


@dataclass
class Guest:
    """A node that was let in: the names of its streams, and how many new boots it may begin now."""

    boots_left: float
    since_s: float
    streams: set[str] = field(default_factory=set)


class Admission:
    """Knows every node, and of the boots those heard of last."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._guests: dict[str, Guest] = {}
        self._boots: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._guests)

    def load(self, keys: Iterable[StreamKey]) -> None:
        """What the store holds was let in before, and costs nothing."""
        for key in keys:
            guest = self._guests.setdefault(key.node, self._new_guest(0.0))
            guest.streams.add(key.stream)
            self._note(key.node, key.boot)

    def bound(self, key: StreamKey, now_s: float) -> Bound | None:
        """Lets a message of this sequence in, or says which bound it would break."""
        guest = self._guests.get(key.node)
        if guest is None:
            if len(self._guests) >= self._settings.max_nodes:
                return "nodes"
            guest = self._guests[key.node] = self._new_guest(now_s)
        if key.stream not in guest.streams:
            if len(guest.streams) >= self._settings.node_streams:
                return "streams"
            guest.streams.add(key.stream)
        return None if self._takes_boot(key.node, key.boot, guest, now_s) else "boots"

    def _takes_boot(self, node: str, boot: str, guest: Guest, now_s: float) -> bool:
        if (node, boot) not in self._boots:
            most = self._settings.boots_per_hour
            earned = (now_s - guest.since_s) * most / HOUR_S
            guest.boots_left, guest.since_s = min(most, guest.boots_left + earned), now_s
            if guest.boots_left < 1:
                return False
            guest.boots_left -= 1
        self._note(node, boot)
        return True

    def _note(self, node: str, boot: str) -> None:
        """A boot that is forgotten, because too many others came since, costs its node one again."""
        self._boots[node, boot] = None
        self._boots.move_to_end((node, boot))
        if len(self._boots) > self._settings.max_streams:
            self._boots.popitem(last=False)

    def _new_guest(self, now_s: float) -> Guest:
        return Guest(self._settings.boots_per_hour, now_s)
