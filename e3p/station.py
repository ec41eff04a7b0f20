"""One connection of the simulated fleet, and the nodes that share it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from e3p.dispatch import Held
from e3p.simulation import SOFTWARE, SimulatedNode
from e3p.spread import Spread
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.nodetime import to_ns
from telemetry.contract.replies import State, StateName, Stored
from telemetry.contract.topics import node_topic, parse_node_topic, stream_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, LinkDown, Will

HEALTH_EVERY_S = 10.0


@dataclass
class Measured:
    """What the fleet saw, in seconds.

    `latency`: from a frame's first sending to the word that it is stored; `lateness`: of frames against when
    they were due; `settled_s`: when (monotonic) the last one was settled.
    """

    latency: Spread = field(default_factory=Spread)
    lateness: Spread = field(default_factory=Spread)
    samples_stored: int = 0
    settled_s: float = 0.0


class Station:
    """Sends what its nodes make, by the contract's rules, and takes the collector's word for them."""

    def __init__(self, address: Address, nodes: Sequence[SimulatedNode], measured: Measured) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._measured = measured
        self._sent_s: dict[tuple[str, int], float] = {}
        first = nodes[0]
        # A will speaks for one node only: nodes that share a connection have none.
        will = Will(node_topic(first.name, "state"), _state(first, "lost")) if len(nodes) == 1 else None
        self.link = Link(
            address,
            client_id=f"{first.name}-{first.boot.id}",
            filters=[node_topic(name, "stored") for name in self._nodes],
            will=will,
            on_connect=self._greet,
        )

    async def listen(self) -> None:
        """Takes what is stored, and sends what there is room for then."""
        async for message in self.link.inbox():
            place = parse_node_topic(message.topic)
            if place is None or place[0] not in self._nodes:
                continue
            node = self._nodes[place[0]]
            with suppress(Refused):
                self._settle(node, node.settle(decode_message(message.payload, Stored)))
            await self.send(node)

    async def live(self, node: SimulatedNode, begin_s: float, frames: int, over: anyio.Event) -> None:
        """Makes so many frames of power, each when it is due, then the node's last word; or until `over`."""
        node.begin(to_ns(begin_s))
        health_s = begin_s
        for number in range(1, frames + 1):
            due_s = begin_s + number * node.waveform.frame_ns * 1e-9
            with anyio.move_on_after(due_s - time.monotonic()):
                await over.wait()
            if over.is_set():
                break
            self._measured.lateness.add(time.monotonic() - due_s)
            node.make_power()
            if due_s >= health_s + HEALTH_EVERY_S:
                health_s = due_s
                node.make_health(time.monotonic_ns())
            await self.send(node)
        node.make_health(time.monotonic_ns(), closing=True)
        await self.send(node)

    async def send(self, node: SimulatedNode) -> None:
        """What is overdue and what there is room for; while the link is down, nothing."""
        if not self.link.connected:
            return
        now_s = time.monotonic()
        with suppress(LinkDown):  # what was taken in vain is overdue when the link is back
            for frame in node.dispatch.take(now_s):
                self._sent_s.setdefault((node.name, frame.id), now_s)
                await self.link.publish(stream_topic(node.name, frame.stream), node.payload(frame))

    async def forget(self) -> None:
        """Clears what the broker retains of these nodes: they are none of the fleet's."""
        with suppress(LinkDown):
            for name in self._nodes:
                await self.link.publish(node_topic(name, "state"), b"", retain=True)

    async def _greet(self, link: Link) -> None:
        for node in self._nodes.values():
            node.dispatch.delivery.reconnected()
            await link.publish(node_topic(node.name, "state"), _state(node, "ready"), retain=True)
            await self.send(node)

    def _settle(self, node: SimulatedNode, gone: Sequence[Held]) -> None:
        now_s = time.monotonic()
        for frame in gone:
            self._measured.latency.add(now_s - self._sent_s.pop((node.name, frame.id), now_s))
            self._measured.samples_stored += frame.ticks
            self._measured.settled_s = now_s


def _state(node: SimulatedNode, state: StateName) -> bytes:
    since_ns = node.boot.node_time(time.monotonic_ns())
    return encode(State(state=state, boot=node.boot.id, since=since_ns, software=SOFTWARE))
