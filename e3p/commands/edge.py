"""``e3p edge``: the agent on a device."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from e3p import options


def edge(
    node: Annotated[str | None, typer.Option(help="This node's name; else the host's.")] = None,
    trials_on: Annotated[
        str | None, typer.Option(help="cpu or cuda: a sensor is taken that sees it.")
    ] = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> None:
    """Samples this device's power, takes marks, and sends both until the server has stored them."""
    import anyio

    from e3p.announcer import Announcer
    from e3p.campaigns.node import Campaigns
    from e3p.pages import page
    from e3p.settings import load
    from edge_node.app import EdgeNode
    from telemetry.runtime.service import run_services

    settings = load(config, level="info", mqtt=mqtt, edge__node=node, edge__trials_on=trials_on)

    def child(campaign: str) -> list[str]:
        """The command that carries out a campaign here, under the very settings of this agent."""
        options = {"--node": settings.edge.node_name(), "--mqtt": mqtt, "--config": config and str(config)}
        words = [word for name, value in options.items() if value for word in (name, value)]
        return [sys.executable, "-m", "e3p", "campaign", "part", campaign, *words]

    async def work() -> None:
        address = settings.common.address()
        part = EdgeNode(settings.edge, address)
        facts = {"node": settings.edge.node_name(), "mqtt": address.url}
        ready = Announcer("edge", part.until_ready, lambda: facts, part.trouble)
        shown = page(settings, settings.edge.metrics_port, part.health, part.metrics)
        campaigns = Campaigns(settings.edge, address, child, part.until_ready)
        await run_services([*shown, part, campaigns, ready], grace_s=part.grace_s)

    anyio.run(work)
