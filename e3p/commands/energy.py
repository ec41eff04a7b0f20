"""``e3p energy``: the energy of any window, with its budget."""

from __future__ import annotations

from typing import Annotated

import typer

from e3p import options


def energy(
    node: Annotated[str, typer.Option(help="The node.")],
    begin: Annotated[str, typer.Option(metavar="TIME", help="ISO 8601, Unix seconds or nanoseconds.")],
    end: Annotated[str, typer.Option(metavar="TIME", help="Likewise; in node time, as the store has it.")],
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """The energy of any window of a node, with its uncertainty budget. Exit code 1 when it is invalid."""
    import anyio

    from analyzer.query import energy_of
    from e3p.results import print_results
    from e3p.settings import load
    from e3p.times import parse_time
    from telemetry.contract.documents import Result

    settings = load(config, store=store)
    edges = parse_time(begin), parse_time(end)

    async def ask() -> list[Result]:
        async with settings.opened_store(create=False) as opened:
            return await energy_of(opened, node, *edges)

    return print_results(anyio.run(ask), json=json)
