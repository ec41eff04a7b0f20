"""``e3p reanalyze``: recompute from what is stored, and say what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from analyzer.query import Change
    from telemetry.store.interface import Store


def reanalyze(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only windows that end at this time or later.")
    ] = None,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Computes every result again from what is stored; what changed becomes a new revision."""
    import time

    from analyzer.query import reanalyze as again
    from e3p.at_store import at_store
    from e3p.output import energy, print_json, print_table
    from e3p.settings import load
    from e3p.times import parse_time
    from telemetry.contract.nodetime import to_ns

    since_ns = parse_time(since) if since else -(2**63)

    minute_ns = to_ns(load(config, level="error", store=store).analyzer.window_s)

    def compute(opened: Store) -> Awaitable[list[Change]]:
        return again(opened, since_ns, time.time_ns(), minute_ns=minute_ns)

    changed = at_store(store, config, compute)
    if json:
        print_json([{"result": change.result, "changed": change.fields} for change in changed])
        return
    if not changed:
        typer.echo("nothing changed")
        return
    rows = [
        (c.result.window, c.result.source, c.result.revision, energy(c.result), ", ".join(c.fields))
        for c in changed
    ]
    print_table(("window", "stream", "revision", "energy", "changed"), rows)
