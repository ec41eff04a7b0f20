"""The analyzer: woken by what the collector stored, it computes windows, publishes results and rankings."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import anyio

from analyzer.book import Book
from analyzer.desk import Desk
from analyzer.ranking import Score
from analyzer.standings import Standings
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored
from telemetry.contract.topics import every_node, node_topic, parse_node_topic
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Link, LinkDown
from telemetry.runtime.service import Service, run_services
from telemetry.store.interface import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from analyzer.settings import AnalyzerSettings
    from telemetry.runtime.address import Address
    from telemetry.store.interface import Account, Store

STEP_S = 0.1
RETRY_S = 1.0
OUTBOX = 10_000

log = logs.get("analyzer")


class Analyzer:
    """A service. `link` must be subscribed to every node's `stored`."""

    name = "analyzer"

    def __init__(self, settings: AnalyzerSettings, store: Store, link: Link) -> None:
        self._settings = settings
        self._store = store
        self._link = link
        self._book = Book(store)
        self._standings = Standings(self._book, Score(a=settings.a, b=settings.b, unit=settings.unit))
        self._desks: dict[str, Desk] = {}
        self._outbox: list[tuple[str, bytes, bool]] = []
        self._turn = anyio.Lock()
        self._stored: list[tuple[str, Stored]] = []

    async def run(self) -> None:
        """Runs until cancelled."""
        await self._patiently(self._book.open)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            tasks.start_soon(self._sweep)
            tasks.start_soon(self._work)

    async def _listen(self) -> None:
        """The doorbell: `stored` says which frames are new."""
        async for message in self._link.inbox():
            place = parse_node_topic(message.topic)
            if place is None or place[1] != "stored":
                continue
            try:
                self._stored.append((place[0], decode_message(message.payload, Stored)))
            except Refused as reason:
                log.warning("stored not understood", topic=message.topic, reason=str(reason))

    async def _sweep(self) -> None:
        """Looks through the whole store, at start and then in turn: the store is the truth."""
        while True:
            await self._patiently(self._look_through)
            await anyio.sleep(self._settings.sweep_s)

    async def _look_through(self) -> None:
        accounts = await self._store.accounts()
        by_node: dict[str, list[Account]] = {}
        for account in accounts:
            by_node.setdefault(account.key.node, []).append(account)
        async with self._turn:
            for node, held in by_node.items():
                settled = {account.key: account.stored | account.dead for account in held}
                await self._hear(node, settled)

    async def _work(self) -> None:
        while True:
            await self._patiently(self._step)
            await anyio.sleep(STEP_S)

    async def _step(self) -> None:
        """Takes in what was stored, computes what is due, tells it."""
        async with self._turn:
            while self._stored:
                node, stored = self._stored[0]
                await self._hear(node, _settled(node, stored))
                self._stored.pop(0)
            for desk in self._desks.values():
                await self._settle(desk)
            for ranking in await self._standings.renew():
                self._post(ranking.topic, encode(ranking.document, "json"), retain=True)
        await self._send()

    async def _hear(self, node: str, settled: dict[StreamKey, IntervalSet]) -> None:
        desk = self._desks.setdefault(node, Desk(self._store, node))
        for name in await desk.hear(settled, time.monotonic()):
            for event in await self._book.refuse(desk.refused(name)):
                log.warning("event refused", node=node, trial=event.trial, reason=event.reason)
                self._post(node_topic(node, "result"), encode(event, "json"))

    async def _settle(self, desk: Desk) -> None:
        results = await desk.settle(time.monotonic())
        for result in await self._book.take(results, "computed", time.time_ns()):
            log.info(
                "result", node=result.node, window=result.window, revision=result.revision, state=result.state
            )
            self._post(node_topic(result.node, "result"), encode(result, "json"))

    def _post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """What cannot be sent now waits; the store has it anyway, so the oldest may be dropped."""
        self._outbox.append((topic, payload, retain))
        del self._outbox[:-OUTBOX]

    async def _send(self) -> None:
        while self._outbox:
            topic, payload, retain = self._outbox[0]
            try:
                await self._link.publish(topic, payload, retain=retain)
            except LinkDown:
                return
            self._outbox.pop(0)

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Tries again while the store is away; what was heard is kept."""
        while True:
            try:
                return await act()
            except StoreUnavailable as trouble:
                log.warning("store unavailable", why=str(trouble))
                await anyio.sleep(RETRY_S)


def _settled(node: str, stored: Stored) -> dict[StreamKey, IntervalSet]:
    return {
        StreamKey(node, stream.boot, stream.stream): IntervalSet.below(stream.through + 1)
        | IntervalSet(stream.ranges)
        for stream in stored.streams
    }


def services(settings: AnalyzerSettings, store: Store, address: Address) -> list[Service]:
    """The analyzer and its link, to run by themselves or beside other parts."""
    link = Link(address, client_id=f"e3p-analyzer-{secrets.token_hex(4)}", filters=[every_node("stored")])
    return [link, Analyzer(settings, store, link)]


async def run_analyzer(settings: AnalyzerSettings, store: Store, address: Address) -> None:
    """Runs until stopped by a signal."""
    await run_services(services(settings, store, address))
