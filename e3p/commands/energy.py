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
    from analyzer.query import energy_of
    from e3p.at_store import at_store
    from e3p.results import print_results
    from e3p.times import parse_time

    edges = parse_time(begin), parse_time(end)
    return print_results(at_store(store, config, lambda opened: energy_of(opened, node, *edges)), json=json)
