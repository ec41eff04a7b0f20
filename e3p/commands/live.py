"""``e3p live``: the live page by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from e3p import options


def live(
    port: Annotated[int | None, typer.Option(help="Where the page is; 0 is any.")] = None,
    host: Annotated[str | None, typer.Option(help="The address that it answers on.")] = None,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> None:
    """Shows what the fleet draws, runs and has concluded, in a browser. `e3p serve` has the same page."""
    import anyio
    from prometheus_client import CollectorRegistry

    from e3p.announcer import Announcer
    from e3p.live import INSTALL, alone, lacking
    from e3p.patience import waited_for
    from e3p.settings import load
    from telemetry.contract.errors import UserError
    from telemetry.runtime.http import Health
    from telemetry.runtime.service import run_services

    listens = {"live__port": port, "live__host": host}
    settings = load(config, level="info", store=store, mqtt=mqtt, **listens)
    if missing := lacking():
        raise UserError(f"the live page needs {', '.join(missing)}: {INSTALL}")

    async def work() -> None:
        # Opened once to make it and to fail early; each question opens it anew.
        async with waited_for(settings):
            address = settings.common.address()

            def health() -> Health:
                connected = part.feed.link.connected
                return Health(connected, {"connected": connected, "nodes": len(part.hub.nodes)})

            part = alone(settings, health, address, CollectorRegistry())

            def facts() -> dict[str, str]:
                page = f"http://{part.server.host}:{part.server.port}"
                return {"mqtt": address.url, "store": settings.common.store, "page": page}

            ready = Announcer("live", part.until_ready, facts, lambda: None)
            await run_services([*part.services, ready])

    anyio.run(work)
