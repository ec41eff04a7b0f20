"""The link: one MQTT 3.1.1 connection that mends itself, on `aiomqtt`.

Nothing a broker does ends the program: the link tries again for ever, says why, and keeps what it received.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, cast

import aiomqtt
import anyio
import anyio.to_thread

from telemetry.contract.errors import UserError
from telemetry.runtime import logs
from telemetry.runtime.address import Address, Tls
from telemetry.runtime.handshake import tls_trouble
from telemetry.runtime.inbox import MIB, Inbox, Message
from telemetry.runtime.retry import STEADY_S, Retry
from telemetry.runtime.trouble import Refusal, Trouble, is_failure, outage_of, trouble_of

__all__ = ["Address", "Link", "LinkDown", "Message", "Retry", "Tls", "Will"]

KEEPALIVE_S = 15
ANSWER_S = 5.0
GOODBYE_S = 2.0
WINDOW = 128
"""Messages handed over and not yet acknowledged by the broker; `publish` waits for room beyond."""
MAX_PAYLOAD_BYTES = 256 * MIB - 65_536 - 8

log = logs.get("mqtt")
_library = logging.getLogger("e3p.mqtt.library")
_library.setLevel(logging.CRITICAL)


class LinkDown(Exception):
    """Not connected now: the caller keeps what it has."""


class Will(NamedTuple):
    """What the broker says for us when we are gone without a goodbye."""

    topic: str
    payload: bytes
    retain: bool = True


class Link:
    """A connection to one broker under one client id, with clean sessions.

    `filters` are subscribed with `qos` at each connect, then `on_connect` is called; a message that comes
    with QoS 0 stays one. Received messages wait in `inbox`; what does not fit is counted in `shed`. `trouble`
    says why the last connection ended.
    """

    name = "mqtt"

    def __init__(  # noqa: PLR0913 - the options of a link, each by its name
        self,
        address: Address,
        *,
        client_id: str,
        filters: Sequence[str] = (),
        qos: int = 1,
        will: Will | None = None,
        inbox: int = 10_000,
        inbox_bytes: int = 64 * MIB,
        on_connect: Callable[[Link], Awaitable[None]] | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.address = address
        self.client_id = client_id
        self.connects = 0
        self.trouble: str | None = None
        self._filters = list(filters)
        self._qos = qos
        self._will = will
        self._inbox = Inbox(inbox, inbox_bytes)
        self._on_connect = on_connect
        self._retry = retry or Retry()
        if address.tls:
            address.tls.context()  # what cannot be read is said at once
        self._outage = outage_of(address.url)
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._room = asyncio.Semaphore(WINDOW)
        self._handed: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        state = "connected" if self.connected else "down"
        return f"<Link {self.client_id} to {self.address.url}, {state}, inbox {len(self._inbox)}>"

    @property
    def connected(self) -> bool:
        """Whether the link is up: connected and subscribed."""
        return self._client is not None

    @property
    def shed(self) -> int:
        """How many received messages found no room."""
        return self._inbox.shed

    def inbox(self) -> AsyncIterator[Message]:
        """The received messages, in order, through all reconnects; for one reader."""
        return self._inbox.messages()

    async def until_connected(self) -> None:
        """Returns as soon as the link is up."""
        await self._up.wait()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Hands a message over to the connection; raises `LinkDown` at once when there is none.

        It does not wait for the broker's PUBACK, which means nothing end to end, but for room while
        `WINDOW` messages are without one. What was handed over may be lost with the connection.
        """
        _check(topic, payload)
        client = self._line()
        await self._room.acquire()
        if self._client is not client:
            self._room.release()
            raise LinkDown(f"the connection to {self.address.url} was lost")
        task = asyncio.create_task(_deliver(client, topic, payload, qos, retain))
        self._handed.add(task)
        task.add_done_callback(self._settled)

    async def run(self) -> None:
        """Connects, and connects again, for ever; ends by cancellation, with a proper goodbye."""
        failures = 0
        while True:
            began = self._retry.clock()
            trouble = await self._hold()
            self.trouble = trouble.words
            if self._retry.clock() - began >= STEADY_S:
                failures = 0
            wait_s = self._retry.wait_s(failures, refused=trouble.refused)
            failures += 1
            self._tell(trouble, wait_s)
            await self._retry.sleep(wait_s)

    def _tell(self, trouble: Trouble, wait_s: float) -> None:
        """Says why there is no broker: at once, and then ever more seldom."""
        say = log.error if trouble.refused else log.warning
        facts = {"url": self.address.url, "why": trouble.words, "again_in_s": round(wait_s, 1)}
        if tries := self._outage.tries_to_tell(trouble.words):
            say("broker lost", tries=tries, **facts)

    async def _hold(self) -> Trouble:
        """One connection, from its first byte to its last; says why it ended."""
        try:
            client = self._new_client()
        except UserError as error:  # a certificate that was renewed while it was being copied
            return Trouble(str(error))
        try:
            # Left half-way, aiomqtt's connecting thread would keep a socket that nobody closes.
            with anyio.CancelScope(shield=True):
                await client.__aenter__()
        except aiomqtt.MqttError as error:
            await _leave(client)
            return await self._explained(trouble_of(error))
        try:
            return await self._serve(client)
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self._drain()
            raise
        finally:
            for task in self._handed:
                task.cancel()
            await _leave(client)

    async def _explained(self, trouble: Trouble) -> Trouble:
        """Where TLS is at fault, what is wrong with it: nothing that waiting alone would mend."""
        words = await anyio.to_thread.run_sync(tls_trouble, self.address, abandon_on_cancel=True)
        return Trouble(words, refused=True) if words else trouble

    async def _serve(self, client: aiomqtt.Client) -> Trouble:
        troubles: list[Trouble] = []

        async def stop_at_trouble(work: Callable[[aiomqtt.Client], Awaitable[None]]) -> None:
            try:
                await work(client)
            except (aiomqtt.MqttError, LinkDown, Refusal) as error:
                troubles.append(trouble_of(error))
                tasks.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stop_at_trouble, _until_lost)
                tasks.start_soon(stop_at_trouble, self._greet)
        finally:
            self._client = None
            self._up.clear()
        return troubles[0]

    async def _greet(self, client: aiomqtt.Client) -> None:
        if self._filters:
            codes = await client.subscribe([(topic, self._qos) for topic in self._filters])
            denied = [f for f, code in zip(self._filters, codes, strict=False) if is_failure(code)]
            if denied:
                raise Refusal(f"the broker does not let {self.client_id} subscribe to {', '.join(denied)}")
        self.connects += 1
        self._outage.over()
        self._client = client
        self._up.set()
        log.info("connected", url=self.address.url, client=self.client_id, connects=self.connects)
        if self._on_connect is not None:
            await self._on_connect(self)

    async def _drain(self) -> None:
        """Before a goodbye: a moment for the broker's word on what was handed over."""
        if self._handed:
            await asyncio.wait(self._handed, timeout=GOODBYE_S)

    def _line(self) -> aiomqtt.Client:
        if self._client is None:
            raise LinkDown(f"not connected to {self.address.url}")
        return self._client

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._handed.discard(task)
        self._room.release()

    def _new_client(self) -> aiomqtt.Client:
        where = self.address
        will = self._will and aiomqtt.Will(self._will.topic, self._will.payload, 1, self._will.retain)
        client = aiomqtt.Client(
            where.host,
            where.port,
            username=where.user,
            password=where.password.reveal() if where.password else None,
            identifier=self.client_id,
            clean_session=True,
            protocol=aiomqtt.ProtocolVersion.V311,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_S,
            will=will,
            # Read again for each connection, so that renewed certificates are taken without a restart.
            tls_context=where.tls.context() if where.tls else None,
            max_inflight_messages=0,  # paho's own window is not used: `WINDOW` bounds what is on its way
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", partial(_Diversion, self._inbox)),
            logger=_library,
        )
        client.pending_calls_threshold = WINDOW
        return client


class _Diversion(asyncio.Queue[aiomqtt.Message]):
    """Stands in for aiomqtt's queue, which drops what does not fit with a line in a log as its only trace."""

    def __init__(self, inbox: Inbox, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._inbox = inbox

    def put_nowait(self, item: aiomqtt.Message) -> None:
        inbox = self._inbox
        message = Message(item.topic.value, bytes(item.payload), item.retain)
        if not inbox.offer(message) and inbox.shed & (inbox.shed - 1) == 0:
            log.warning("inbox full", shed=inbox.shed, messages=len(inbox), size_bytes=inbox.size_bytes)


async def _until_lost(client: aiomqtt.Client) -> None:
    """Never returns: raises when the connection ends. The messages themselves are diverted."""
    async for _ in client.messages:
        pass


async def _deliver(client: aiomqtt.Client, topic: str, payload: bytes, qos: int, retain: bool) -> None:  # noqa: FBT001 - the order of aiomqtt's own parameters
    with suppress(aiomqtt.MqttError):
        await client.publish(topic, payload, qos, retain, timeout=math.inf)


async def _leave(client: aiomqtt.Client) -> None:
    """Says goodbye if there is anybody to say it to, and leaves no socket behind."""
    client.timeout = GOODBYE_S
    with anyio.CancelScope(shield=True), suppress(aiomqtt.MqttError, OSError, ValueError):
        await client.__aexit__(None, None, None)
    paho = client._client  # noqa: SLF001 - when reading failed, aiomqtt leaves the socket open
    if paho.socket() is not None:
        paho.disconnect()


def _check(topic: str, payload: bytes) -> None:
    if not topic or any(sign in topic for sign in "+#\0") or len(topic.encode()) > 65_535:
        raise ValueError(f"not a topic to publish to: {topic!r:.80}")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{len(payload)} bytes are more than MQTT carries in a message")
