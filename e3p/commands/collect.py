"""``e3p collect``: the collector by itself."""

from __future__ import annotations

from e3p import options


def collect(store: options.Store = None, mqtt: options.Mqtt = None, config: options.Config = None) -> None:
    """Writes what nodes send over MQTT to the store, and acknowledges what is durable."""
    import anyio

    from collector.app import run_collector
    from e3p.settings import load
    from telemetry.store.open import opened_store

    settings = load(config, level="info", store=store, mqtt=mqtt)

    async def work() -> None:
        async with opened_store(settings.common.store) as opened:
            await run_collector(settings.collector, opened, settings.common.address())

    anyio.run(work)
