"""``e3p analyze``: the analyzer by itself."""

from __future__ import annotations

from e3p import options


def analyze(store: options.Store = None, mqtt: options.Mqtt = None, config: options.Config = None) -> None:
    """Computes results and rankings from what is stored, as soon as it is complete."""
    import anyio
    from prometheus_client import CollectorRegistry, generate_latest

    from analyzer.app import Analyzer
    from e3p.announcer import Announcer
    from e3p.pages import page
    from e3p.patience import waited_for
    from e3p.published import netscores
    from e3p.settings import load
    from grafana.annotator import annotators
    from telemetry.runtime.service import run_services

    settings = load(config, level="info", store=store, mqtt=mqtt)
    registry = CollectorRegistry()

    async def work() -> None:
        async with waited_for(settings) as opened:
            address = settings.common.address()
            part = Analyzer(settings.analyzer, opened, address, netscores(), registry=registry)
            facts = {"mqtt": address.url, "store": settings.common.store}
            ready = Announcer("analyze", part.until_ready, lambda: facts, part.trouble)
            port = settings.analyzer.metrics_port
            shown = page(settings, port, part.health, lambda: generate_latest(registry))
            told = annotators(settings.grafana, address)
            await run_services([*shown, *part.services, *told, ready])

    anyio.run(work)
