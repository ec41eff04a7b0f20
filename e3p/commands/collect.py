"""``e3p collect``: the collector by itself."""

from __future__ import annotations

from e3p import options


def collect(store: options.Store = None, mqtt: options.Mqtt = None, config: options.Config = None) -> None:
    """Writes what nodes send over MQTT to the store, and acknowledges what is durable."""
    import anyio
    from prometheus_client import CollectorRegistry, generate_latest

    from collector.app import Collector
    from e3p.announcer import Announcer
    from e3p.pages import page
    from e3p.patience import Attendance, waited_for
    from e3p.settings import load
    from telemetry.runtime.service import run_services

    settings = load(config, level="info", store=store, mqtt=mqtt)
    registry, attendance = CollectorRegistry(), Attendance("collect")

    async def work() -> None:
        async with waited_for(settings, attendance) as opened:
            address = settings.common.address()
            part = Collector(settings.collector, opened, address, registry=registry)
            facts = {"mqtt": address.url, "store": settings.common.store}
            ready = Announcer("collect", part.until_ready, lambda: facts, part.trouble)
            port = settings.collector.metrics_port
            shown = page(settings, port, part.health, lambda: generate_latest(registry))
            await run_services([attendance, *shown, *part.services, ready])

    anyio.run(work)
