"""Feeds the hub from the broker: documents always, frames where nobody in this process has them already."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from telemetry.contract.decode import Received, decode_message, receive
from telemetry.contract.documents import Result
from telemetry.contract.errors import Refused
from telemetry.contract.events import Finding, FleetEvent
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.ranking import Ranking
from telemetry.contract.replies import State
from telemetry.contract.topics import FLEET_EVENT, ROOT, every_frame, every_node, parse_node_topic
from telemetry.runtime.mqtt import Link

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from telemetry.runtime.address import Address
    from telemetry.runtime.mqtt import Message
    from view.live.hub import Hub

RANKINGS = f"{ROOT}/fleet/ranking/+/+"


class Feed:
    """A service. With `frames` it hears the frames too; after each (re)connection `missed` is awaited."""

    name = "live feed"

    def __init__(
        self, hub: Hub, address: Address, missed: Callable[[], Awaitable[None]], *, frames: bool
    ) -> None:
        self._hub = hub
        documents = [every_node("state"), every_node("about"), every_node("result")]
        documents += [FLEET_EVENT, RANKINGS]
        self.link = Link(
            address,
            client_id=f"e3p-live-{secrets.token_hex(4)}",
            filters=[*documents, *(every_frame() if frames else ())],
            qos=0,
            on_connect=lambda _: missed(),
        )

    async def run(self) -> None:
        """Hears until cancelled; what is no lawful message is the collector's business."""
        async for message in self.link.inbox():
            with suppress(Refused, msgspec.DecodeError, ValueError):
                self._take(message)

    def _take(self, message: Message) -> None:
        node, kind = parse_node_topic(message.topic) or ("", None)
        if kind == "state":
            if message.payload:
                self._hub.node(node).state = decode_message(message.payload, State)
        elif kind == "about":
            if message.payload:
                self._hub.node(node).know(decode_message(message.payload, ManifestFrame))
        elif kind == "result":
            self._result(message.payload)
        elif message.topic == FLEET_EVENT:
            self._hub.tell([event_of(message.payload)])
        elif message.topic.startswith(f"{ROOT}/fleet/"):
            self._hub.ranking(msgspec.json.decode(message.payload, type=Ranking))
        else:
            received = receive(message.topic, message.payload)
            if isinstance(received, Received):
                self.frames([received])

    def _result(self, payload: bytes) -> None:
        if msgspec.json.decode(payload).get("kind") != "event_refused":
            self._hub.result(msgspec.json.decode(payload, type=Result))

    def frames(self, stored: Iterable[Received]) -> None:
        """Frames that the collector of this process has stored."""
        now_ns = time.monotonic_ns()
        for received in stored:
            self._hub.frame(received.topic.node, received.topic.name, received.frame, now_ns)


def event_of(doc: bytes) -> FleetEvent:
    """An event: of a kind that is known with all its fields, else with those that every event has."""
    try:
        return msgspec.json.decode(doc, type=Finding)
    except msgspec.ValidationError:
        return msgspec.json.decode(doc, type=FleetEvent)
