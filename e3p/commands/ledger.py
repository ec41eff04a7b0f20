"""``e3p ledger``: what was made, stored, lost; whether the equation closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.contract.documents import LedgerRow
    from telemetry.contract.events import FleetEvent


def ledger(
    node: Annotated[str | None, typer.Option(help="Only this node.")] = None,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Made = stored + dead + lost + spooled + missing, for each sequence. Exit code 1 unless it closes."""
    import time

    import anyio

    from e3p.output import print_json
    from e3p.settings import load
    from telemetry.contract.events import Finding
    from telemetry.store.books import read_ledger
    from telemetry.store.events import read_events

    settings = load(config, store=store)

    async def ask() -> tuple[list[LedgerRow], list[FleetEvent]]:
        async with settings.opened_store(create=False) as opened:
            told = await read_events(opened, time.time_ns(), node=node)
            return await read_ledger(opened, node), [each for each in told if not isinstance(each, Finding)]

    rows, events = anyio.run(ask)
    closed = all(row.closed for row in rows)
    if json:
        print_json({"closed": closed, "streams": rows, "events": events})
    else:
        _print(rows, events, closed=closed)
    return 0 if closed else 1


def _print(rows: list[LedgerRow], events: list[FleetEvent], *, closed: bool) -> None:
    from e3p.output import print_table
    from e3p.times import show_time

    headings = ("node", "boot", "stream", "made", "stored", "dead", "lost", "spooled", "missing", "as of")
    print_table(
        headings,
        [
            (
                row.node,
                row.boot[:12],
                row.stream,
                row.made_count,
                row.stored_count,
                row.dead_count,
                row.lost_count,
                row.spooled_count,
                row.missing_count,
                show_time(row.as_of) if row.as_of is not None else None,
            )
            for row in rows
        ],
    )
    for row in rows:
        for first, last in row.missing:
            typer.echo(f"missing: {row.node} {row.boot} {row.stream} {first}-{last}")
    for event in events:
        typer.echo(f"{show_time(event.at)}: {event.words}")
    typer.echo("the ledger closes" if closed else "the ledger does not close: frames are missing")
