"""``e3p analyze``: the analyzer by itself."""

from __future__ import annotations

from e3p import options


def analyze(store: options.Store = None, mqtt: options.Mqtt = None, config: options.Config = None) -> None:
    """Computes results and rankings from what is stored, as soon as it is complete."""
    import anyio

    from analyzer.app import run_analyzer
    from e3p.published import netscores
    from e3p.settings import load
    from telemetry.store.open import opened_store

    settings = load(config, level="info", store=store, mqtt=mqtt)

    async def work() -> None:
        async with opened_store(settings.common.store) as opened:
            await run_analyzer(settings.analyzer, opened, settings.common.address(), netscores())

    anyio.run(work)
