"""A boot's connection: frames out, `stored` and pongs in, the state retained. A new boot takes a new one."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

import anyio
import msgspec

from edge_node.clock import PingBook
from edge_node.presence import Presence
from edge_node.publisher import Publisher
from edge_node.recorder import Recorder
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import Encoding, encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.replies import Pong, State, StateName, Stored
from telemetry.contract.topics import NodeKind, node_topic
from telemetry.runtime import logs
from telemetry.runtime.certificate import read_certificate
from telemetry.runtime.mqtt import Address, Link, LinkDown, Message, Will

INBOX_MESSAGES = 1000
INBOX_BYTES = 4 * 1024 * 1024
QUICK_PINGS = 5
QUICK_S = 0.5
PING_S = 10.0
CORRECT_S = 1.0
SILENCE_S = 60.0
"""A collector that runs and may be heard answers a ping within this."""

T = TypeVar("T")

log = logs.get("agent")


class Connection:
    """The link of a boot, with all that goes over it. `settled` is set when a `stored` was worked off."""

    def __init__(
        self,
        address: Address,
        node: str,
        recorder: Recorder,
        pings: PingBook,
        presence: Presence,
        encoding: Encoding,
    ) -> None:
        self._node, self._recorder, self._pings, self.presence = node, recorder, pings, presence
        self._encoding: Encoding = encoding
        self._boot = recorder.boot
        self.about: ManifestFrame | None = None
        self._answers: list[Stored] = []
        self._answered = asyncio.Event()
        self._correct = asyncio.Event()
        self._heard_s = time.monotonic()
        self._silence_told = False
        self.settled = asyncio.Event()
        will = Will(node_topic(node, "state"), encode(presence.will, encoding))
        self.link = Link(
            address,
            client_id=f"{node}-{self._boot.id}",
            filters=[node_topic(node, "stored"), node_topic(node, "pong"), node_topic(node, "state")],
            will=will,
            inbox=INBOX_MESSAGES,
            inbox_bytes=INBOX_BYTES,
            on_connect=self._connected,
        )
        self.publisher = Publisher(self.link, recorder, node)

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            for work in (
                self.link.run,
                self._listen,
                self._settle,
                self.publisher.run,
                self._ping,
                self._mend,
            ):
                tasks.start_soon(work)

    async def say(self, state: StateName) -> None:
        """Tells the fleet, now or when the link is back."""
        self.presence.become(state, self._boot.node_time(time.monotonic_ns()))
        await self._publish("state", self.presence.state, retain=True)

    async def introduce(self, manifest: ManifestFrame) -> None:
        """The manifest, retained for people and tools."""
        self.about = manifest
        await self._publish("about", manifest, retain=True)

    async def _connected(self, link: Link) -> None:
        if link.connects == 1:
            self._look_at_certificate()
        self._heard_s = time.monotonic()
        self._recorder.delivery.reconnected()
        await self._publish("state", self.presence.state, retain=True)
        if self.about is not None:
            await self._publish("about", self.about, retain=True)
        self.publisher.wake()

    async def _listen(self) -> None:
        """Looks at each message at once: a pong's age is an error of the clock."""
        kinds = {node_topic(self._node, kind): kind for kind in ("stored", "pong", "state")}
        async for message in self.link.inbox():
            now_ns = time.monotonic_ns()
            kind = kinds.get(message.topic)
            if kind in ("stored", "pong"):
                self._heard_s, self._silence_told = time.monotonic(), False
            if kind == "stored" and (stored := _decoded(message, Stored)):
                self._answers.append(stored)
                self._answered.set()
            elif kind == "pong" and (pong := _decoded(message, Pong)):
                self._pings.pong(pong, now_ns)
            elif kind == "state" and not message.payload:
                self._correct.set()  # somebody cleared what is retained of us, and we are here
            elif kind == "state" and (state := _decoded(message, State)):
                self._look_at(state, retained=message.retain)

    def _look_at(self, state: State, *, retained: bool) -> None:
        if self.presence.is_wrong(state, retained=retained):
            self._correct.set()
        elif state.boot != self._boot.id:
            log.warning("another agent uses the name of this node", node=self._node, boot=state.boot)

    async def _settle(self) -> None:
        while True:
            await self._answered.wait()
            self._answered.clear()
            answers, self._answers = self._answers, []
            for stored in answers:
                await self._recorder.settle(stored)
            self.publisher.wake()
            self.settled.set()

    async def _ping(self) -> None:
        sent = 0
        while True:
            if self.link.connected:
                ping = self._pings.ping(self._boot.anchor, time.monotonic_ns())
                await self._publish("ping", ping, qos=0)
                sent += 1
                self._look_for_silence()
            await anyio.sleep(PING_S if sent >= QUICK_PINGS else QUICK_S)

    def _look_at_certificate(self) -> None:
        """A broker with rights by certificate drops, in silence, what is published under another name."""
        tls = self.link.address.tls
        name = read_certificate(tls.cert).name if tls and tls.cert else self._node
        if name != self._node:
            log.warning("the certificate is of another name", node=self._node, certificate=name)

    def _look_for_silence(self) -> None:
        if time.monotonic() - self._heard_s > SILENCE_S and not self._silence_told:
            self._silence_told = True
            why = (
                "no collector runs, or the broker denies this node its topics: `e3p doctor` here tells which"
            )
            log.warning("nobody answers", node=self._node, why=why)

    async def _mend(self) -> None:
        """Corrects a wrong or cleared retained state, at most once a second."""
        while True:
            await self._correct.wait()
            self._correct.clear()
            await self._publish("state", self.presence.state, retain=True)
            if self.about is not None:
                await self._publish("about", self.about, retain=True)
            await anyio.sleep(CORRECT_S)

    async def _publish(
        self, kind: NodeKind, message: msgspec.Struct, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Without a link nothing is said: what is retained is said when the link is back."""
        payload = encode(message, self._encoding)
        try:
            await self.link.publish(node_topic(self._node, kind), payload, qos=qos, retain=retain)
        except LinkDown:
            return


def _decoded(message: Message, kind: type[T]) -> T | None:
    """A message as its type; one that is none of ours harms nobody."""
    try:
        return decode_message(message.payload, kind)
    except Refused as reason:
        log.warning("message not understood", topic=message.topic, why=str(reason))
        return None
