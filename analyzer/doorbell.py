"""What the collector says it stored, by node, until the analyzer takes it in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import State, Stored
from telemetry.contract.topics import every_node, parse_node_topic
from telemetry.runtime import logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzer.fleet.office import Office
    from telemetry.runtime.mqtt import Link

FILTERS = [every_node("stored"), every_node("state")]

log = logs.get("analyzer")


class Doorbell:
    """Hears `stored`, which says what frames are new, and `state`, which is for the fleet's office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._rung: dict[str, dict[StreamKey, IntervalSet]] = {}

    @property
    def nodes(self) -> list[str]:
        """Those with something new."""
        return list(self._rung)

    async def listen(self, link: Link) -> None:
        """Until cancelled."""
        async for message in link.inbox():
            place = parse_node_topic(message.topic)
            if place is None:
                continue
            try:
                self._hear(*place, message.payload)
            except Refused as reason:
                log.warning("message not understood", topic=message.topic, reason=str(reason))

    def take(self, node: str) -> Mapping[StreamKey, IntervalSet]:
        """What is new of a node: it is forgotten here."""
        return self._rung.pop(node)

    def ring(self, node: str, settled: Iterable[tuple[StreamKey, IntervalSet]]) -> None:
        """These frames of a node are in the store."""
        rung = self._rung.setdefault(node, {})
        for key, seqs in settled:
            rung[key] = rung.get(key, IntervalSet()) | seqs

    def _hear(self, node: str, kind: str, payload: bytes) -> None:
        if kind == "stored":
            self._office.hear(node, time.monotonic())
            self.ring(node, _settled(node, decode_message(payload, Stored)))
        elif kind == "state" and payload:
            self._office.state(node, decode_message(payload, State), time.monotonic())
        elif kind == "state":
            self._office.leave(node, time.monotonic(), time.time_ns())


def _settled(node: str, stored: Stored) -> Iterator[tuple[StreamKey, IntervalSet]]:
    for stream in stored.streams:
        seqs = IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
        yield StreamKey(node, stream.boot, stream.stream), seqs
