"""The analyzer: woken by what the collector stored, it computes windows, publishes results and rankings."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import anyio

from analyzer.book import Book
from analyzer.desk import Desk
from analyzer.doorbell import FILTERS, Doorbell
from analyzer.fleet.conduct import Limits
from analyzer.fleet.office import Office
from analyzer.herald import Herald
from analyzer.metrics import Metrics
from analyzer.query import by_node
from analyzer.ranking import NO_NETSCORES
from analyzer.scoring import Score
from analyzer.soak.keeper import Keeper
from analyzer.standings import Standings
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import to_ns
from telemetry.runtime import logs
from telemetry.runtime.http import Health
from telemetry.runtime.mqtt import Link
from telemetry.runtime.pulse import Pulse
from telemetry.runtime.service import Service
from telemetry.store.interface import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from prometheus_client import CollectorRegistry

    from analyzer.settings import AnalyzerSettings
    from telemetry.runtime.address import Address
    from telemetry.store.interface import Store

STEP_S = 0.1
RETRY_S = 1.0
REMEMBER_S = 3600.0
STUCK_S = 900.0
"""How long one look at the store may take; the first one, of a large store, is long."""

log = logs.get("analyzer")


class Analyzer:
    """A service, on a link of its own; `netscores`: by model. `services` are what to run."""

    name = "analyzer"

    def __init__(
        self,
        settings: AnalyzerSettings,
        store: Store,
        address: Address,
        netscores: Mapping[str, float] = NO_NETSCORES,
        *,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        name = f"e3p-analyzer-{secrets.token_hex(4)}"
        self._link = Link(address, client_id=name, filters=FILTERS)
        self._book = Book(store)
        self._desks: dict[str, Desk] = {}
        limits = Limits(settings.silent_s, settings.spool_mib)
        shown = [path for path in (address.tls.cert, address.tls.ca) if path] if address.tls else []
        self._office = Office(store, limits, settings.regression_percent, shown)
        self._soaks = Keeper(store)
        self._turn = anyio.Lock()
        self._pulse = Pulse(STUCK_S)
        self._doorbell = Doorbell(self._office)
        self._stale = anyio.Event()
        self._connects = 0
        self._remembered_at_s = time.monotonic()
        self.metrics = Metrics(registry)
        score = Score(a=settings.a, b=settings.b, unit=settings.unit)
        standings = Standings(self._book, score, netscores)
        self._herald = Herald(self._link, self._book, standings, self._office, self.metrics)
        self.metrics.watch(self._windows, lambda: len(self._herald), lambda: self._link.connected)
        self.metrics.watch_fleet(self._office)

    @property
    def services(self) -> list[Service]:
        """The link and the analyzer, which is stopped first."""
        return [self._link, self]

    async def until_ready(self) -> None:
        """Returns once it is connected."""
        await self._link.until_connected()

    def trouble(self) -> str | None:
        """What hangs, so that only another start helps; None while nothing does."""
        return self._pulse.trouble()

    def health(self) -> Health:
        """How the analyzer fares, for `/healthz`: well while it is connected."""
        facts = {
            "connected": self._link.connected,
            "nodes": len(self._desks),
            "open_windows": self._windows(),
            "unsent": len(self._herald),
        }
        return Health(self._link.connected, facts)

    async def run(self) -> None:
        """Runs until cancelled."""
        await self._patiently(self._book.open)
        await self._patiently(lambda: self._office.open(time.time_ns()))
        await self._patiently(self._look_through)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._doorbell.listen, self._link)
            tasks.start_soon(self._sweep)
            tasks.start_soon(self._work)

    async def _sweep(self) -> None:
        """Looks through the whole store in turn, and after each reconnect: the store is the truth."""
        while True:
            with anyio.move_on_after(self._settings.sweep_s):
                await self._stale.wait()
            self._stale = anyio.Event()
            await self._patiently(self._look_through)

    async def _look_through(self) -> None:
        accounts = by_node(await self._store.accounts())
        async with self._turn:
            await self._book.heed()
            for node, held in accounts.items():
                if node not in self._desks:
                    await self._resume(node)
                await self._desk(node).look_through(held, time.monotonic())
                self._office.account(node, held, time.monotonic())
                self._overheard(node, {account.key: account.stored for account in held})
            await self._remember()
        self.metrics.sweeps.inc()

    async def _remember(self) -> None:
        """Marks how far the work of every node was taken in, once an hour."""
        if time.monotonic() - self._remembered_at_s < REMEMBER_S:
            return
        for desk in self._desks.values():
            await desk.remember(time.time_ns())
        self._remembered_at_s = time.monotonic()

    async def _work(self) -> None:
        while True:
            await self._patiently(self._step)
            await anyio.sleep(STEP_S)

    async def _step(self) -> None:
        """Takes in what was stored, computes what is due, tells it."""
        async with self._turn:
            for node in self._doorbell.nodes:
                await self._take_in(node)
            for desk in self._desks.values():
                await desk.settle(time.monotonic(), self._herald)
            await self._herald.rank()
            await self._herald.watch_fleet()
            await self._soaks.step(time.time_ns())
        await self._send()

    async def _take_in(self, node: str) -> None:
        rung = self._doorbell.take(node)
        try:
            await self._desk(node).hear(rung, time.monotonic())
        except StoreUnavailable:
            self._doorbell.ring(node, rung.items())
            raise
        self._overheard(node, rung)

    def _overheard(self, node: str, settled: Mapping[StreamKey, IntervalSet]) -> None:
        """Tells the desks of the devices that this node measures."""
        for desk in self._desks.values():
            if any(join.meter == node for join in desk.meters):
                desk.overhear(settled)

    async def _resume(self, node: str) -> None:
        """A desk that does not read again what an earlier run was done with."""
        try:
            await self._desk(node).resume()
        except StoreUnavailable:
            del self._desks[node]
            raise

    def _windows(self) -> int:
        return sum(desk.waiting for desk in self._desks.values())

    def _desk(self, node: str) -> Desk:
        desk = self._desks.get(node)
        if desk is None:
            minute_ns = to_ns(self._settings.window_s)
            desk = Desk(self._store, node, minute_ns=minute_ns, ear=self._soaks.beside(self._office.read))
            self._desks[node] = desk
        desk.meters = self._book.meters.get(node, ())
        return desk

    async def _send(self) -> None:
        if self._link.connects != self._connects:
            self._connects = self._link.connects
            self._stale.set()
            self._herald.announce_again()
        await self._herald.send()

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Tries again while the store is away; what was heard is kept."""
        while True:
            try:
                with self._pulse.within("store"):
                    return await act()
            except StoreUnavailable as trouble:
                self.metrics.store_waits.inc()
                log.warning("store unavailable", why=str(trouble))
                await anyio.sleep(max(RETRY_S, trouble.retry_after_s or 0.0))
