"""``e3p serve``: the server side in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from e3p import options


def serve(
    port: Annotated[int | None, typer.Option(help="Where /healthz and /metrics answer; 0 is any.")] = None,
    host: Annotated[str | None, typer.Option(help="The address that they answer on.")] = None,
    broker_port: Annotated[int | None, typer.Option(help="The port of its own broker; 0 is any.")] = None,
    broker_host: Annotated[
        str | None, typer.Option(help="The address its broker listens on; 0.0.0.0 lets other devices in.")
    ] = None,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> None:
    """Runs broker, collector and analyzer. With --mqtt it uses that broker instead of its own."""
    import anyio

    from e3p.server import serve as run
    from e3p.settings import load

    listens = {
        "serve__port": port,
        "serve__host": host,
        "serve__broker_port": broker_port,
        "serve__broker_host": broker_host,
    }
    anyio.run(run, load(config, level="info", store=store, mqtt=mqtt, **listens))
