"""The server side in one process: broker, collector, analyzer, live page."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio
from prometheus_client import CollectorRegistry

from analyzer.app import Analyzer
from collector.app import Collector
from e3p.announcer import Announcer
from e3p.live import front
from e3p.output import say
from e3p.patience import Attendance, waited_for
from e3p.published import netscores
from e3p.settings import Settings
from grafana.annotator import annotators
from telemetry.contract.errors import UserError
from telemetry.runtime.address import Address
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.service import run_services

CONNECTED_WITHIN_S = 30.0


async def serve(settings: Settings) -> None:
    """Runs until stopped by a signal."""
    async with AsyncExitStack() as stack:
        attendance = Attendance("serve")
        store = await stack.enter_async_context(waited_for(settings, attendance))
        address = settings.common.address()
        if settings.common.mqtt is None:
            address = settings.common.address((await _broker(stack, settings)).url)
        registry = CollectorRegistry()
        page = front(settings, lambda: collector.health(), address, registry)  # noqa: PLW0108 - made below
        collector = Collector(settings.collector, store, address, registry=registry, tap=page.tap)
        analyzer = Analyzer(settings.analyzer, store, address, netscores(), registry=registry)
        told = annotators(settings.grafana, address)
        services = [attendance, *page.services, *collector.services, *analyzer.services, *told]

        async def until_ready() -> None:
            await page.until_ready()
            await _until_connected(collector, address)

        def facts() -> dict[str, str]:
            return {"mqtt": address.url, "store": settings.common.store, "page": page.url}

        def trouble() -> str | None:
            return collector.trouble() or analyzer.trouble()

        await run_services([*services, Announcer("serve", until_ready, facts, trouble)])


async def _until_connected(collector: Collector, address: Address) -> None:
    """Raises `UserError` when the broker does not answer in time."""
    try:
        with anyio.fail_after(CONNECTED_WITHIN_S):
            await collector.until_ready()
    except TimeoutError:
        raise UserError(f"no broker answers at {address.url} within {CONNECTED_WITHIN_S:.0f} s") from None


async def _broker(stack: AsyncExitStack, settings: Settings) -> EmbeddedBroker:
    """Our own broker, on the port that was set; where none was and the usual one is taken, on a free one."""
    host, port = settings.serve.broker_host, settings.serve.broker_port
    try:
        return await stack.enter_async_context(EmbeddedBroker(host, port))
    except UserError as taken:
        if settings.resolved.origins["serve.broker_port"] != "default":
            raise
        say(f"e3p serve: {taken}; a free port is taken instead")
        return await stack.enter_async_context(EmbeddedBroker(host))
