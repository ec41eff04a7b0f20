"""``e3p edge``: the agent on a device."""

from __future__ import annotations

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

    from e3p.settings import load
    from edge_node.app import run_agent

    settings = load(config, level="info", mqtt=mqtt, edge__node=node, edge__trials_on=trials_on)
    anyio.run(run_agent, settings.edge, settings.common.address())
