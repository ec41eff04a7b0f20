"""The embedded broker: `amqtt` in a thread and an event loop of its own, so that its end leaves nothing.

It listens on loopback unless told otherwise, takes anonymous clients, and keeps nothing on disk. What is
published while nobody listens is gone; the end-to-end acknowledgement carries that (docs/contract.md).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

import anyio.to_thread
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, BrokerContext
from amqtt.plugins.base import BasePlugin

from telemetry.contract.errors import UserError
from telemetry.runtime import logs

SHUTDOWN_S = 3.0
LATE_S = 10
"""Seconds beyond its keep-alive that a client may be silent."""
LISTENER = "default"
DISCONNECT = b"\xe0"
"""The first byte of a goodbye. The length of another packet may begin so too: that waits in vain, briefly."""
PLUGIN_ANONYMOUS = "amqtt.plugins.authentication.AnonymousAuthPlugin"

log = logs.get("broker")
for noisy in ("amqtt", "transitions"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)


class TopicCounter(BasePlugin[BrokerContext]):  # type: ignore[misc]  # amqtt carries no types
    """Counts what passes the broker, by topic."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self.messages: Counter[str] = Counter()

    async def on_broker_message_broadcast(self, *, client_id: str, message: object) -> None:  # noqa: ARG002 - the event's own names
        """Called by amqtt for each message that is passed on."""
        self.messages[str(getattr(message, "topic", ""))] += 1


class _Broker(Broker):  # type: ignore[misc]  # amqtt carries no types
    """Tells a new client nothing that it did not ask for.

    amqtt 0.12 tells it the retained messages of everybody's filters, as if its session had them all.
    """

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: object
    ) -> None:
        if any(held is session for held, _ in self._subscriptions.get(subscription[0], ())):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class PatientReader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt carries no types
    """Lets a client leave only when all that it sent was passed on: amqtt forgets what it still holds."""

    def __init__(self, reader: asyncio.StreamReader, broker: Broker) -> None:
        super().__init__(reader)
        self._broker = broker

    async def read(self, n: int = -1) -> bytes:
        try:
            data: bytes = await super().read(n)
        except asyncio.IncompleteReadError:
            await self._wait()
            raise
        if data == DISCONNECT:
            await self._wait()
        return data

    async def _wait(self) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._all_passed_on(), SHUTDOWN_S)

    async def _all_passed_on(self) -> None:
        await asyncio.sleep(0)  # the packet before this one gets as far as the queue
        for session, handler in list(self._broker.sessions.values()):
            queue = session.delivered_message_queue
            while handler.reader is self and not queue.empty():  # noqa: ASYNC110 - amqtt's own queue
                await asyncio.sleep(0)


class EmbeddedBroker:
    """An MQTT 3.1.1 broker inside this process: ``async with EmbeddedBroker() as broker: broker.url``.

    `port` 0 takes a free one, known once it runs. With `count`, `messages_by_topic` says what passed; that
    costs a task a message.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, count: bool = False) -> None:
        self.host = host
        self.port = port
        self._count = count
        self._bound: Future[int] = Future()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._counter: TopicCounter | None = None

    @property
    def url(self) -> str:
        """Where clients on this machine find it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"mqtt://[{host}]:{self.port}" if ":" in host else f"mqtt://{host}:{self.port}"

    def messages_by_topic(self) -> dict[str, int]:
        """How many messages passed on each topic; empty unless counting was asked for."""
        return dict(self._counter.messages) if self._counter else {}

    async def __aenter__(self) -> EmbeddedBroker:
        self._thread = threading.Thread(target=self._main, name="broker", daemon=True)
        self._thread.start()
        try:
            self.port = await asyncio.wrap_future(self._bound)
        except OSError as error:
            raise UserError(f"broker: cannot listen on {self.host}:{self.port}: {error}") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._thread.join)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            if not self._bound.done():
                self._bound.set_exception(RuntimeError("the embedded broker did not start"))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_note)
        broker = _Broker(_config(count=self._count))
        await broker.start()
        if self._count:
            self._counter = broker.plugins_manager.get_plugin(TopicCounter.__name__)
        try:
            server = await asyncio.start_server(partial(_connected, broker), self.host, self.port)
        except OSError as error:
            self._bound.set_exception(error)
        else:
            self._bound.set_result(server.sockets[0].getsockname()[1])
            await self._stop.wait()
            for _ in range(10):  # a client accepted just now gets as far as its own `finally`
                await asyncio.sleep(0)
            server.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(broker.shutdown(), SHUTDOWN_S)


def _config(*, count: bool) -> dict[str, Any]:
    """No $SYS topics and no packet logs; the sockets are ours, so that a free port can be found out."""
    counter: dict[str, Any] = {f"{__name__}.{TopicCounter.__name__}": {}} if count else {}
    return {
        "listeners": {LISTENER: {"type": "external"}},
        "timeout_disconnect_delay": LATE_S,
        "plugins": {PLUGIN_ANONYMOUS: {"allow_anonymous": True}, **counter},
    }


async def _connected(broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await broker.external_connected(PatientReader(reader, broker), StreamWriterAdapter(writer), LISTENER)
    finally:
        writer.close()


def _note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a client does wrong is no concern of the program's: noted, and the connection is gone."""
    log.debug("connection failed", what=context.get("message"), error=repr(context.get("exception")))
