"""``e3p events``: what was found of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.contract.events import FleetEvent

Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Those told at this time or later; otherwise of the last day."),
]
Node = Annotated[str | None, typer.Option(metavar="NAME", help="Those of one node.")]
Lasting = Annotated[bool, typer.Option("--lasting", help="Only what lasts.")]
DAY_NS = 86_400 * 10**9


def events(
    since: Since = None,
    node: Node = None,
    lasting: Lasting = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Lists what was found of the fleet: of the last day, and all that lasts.

    With --lasting the exit code is 1 when something of more than information lasts.
    """
    import time

    from e3p.at_store import at_store
    from e3p.output import print_json
    from e3p.times import parse_time
    from telemetry.contract.events import Finding
    from telemetry.store.events import lasts, read_events

    now_ns = time.time_ns()
    since_ns = parse_time(since) if since else now_ns - DAY_NS
    found = at_store(store, config, lambda opened: read_events(opened, now_ns, since_ns=since_ns, node=node))
    shown = [event for event in found if not lasting or lasts(event)]
    if json:
        print_json({"events": shown})
    else:
        _print(shown)
    if lasting and any(isinstance(event, Finding) and event.severity != "info" for event in shown):
        raise typer.Exit(1)


def _print(shown: list[FleetEvent]) -> None:
    from e3p.output import print_table
    from e3p.times import show_time
    from telemetry.contract.events import Finding

    if not shown:
        typer.echo("nothing was found")
        return
    rows = []
    for event in shown:
        finding = event if isinstance(event, Finding) else None
        begin = finding.begin if finding else event.at
        until = "lasts" if finding and finding.until is None else None
        if finding and finding.until not in (None, finding.begin):
            until = show_time(finding.until or 0)
        rows.append(
            (show_time(begin), until, finding and finding.severity, event.kind, event.node, event.words)
        )
    print_table(("begin", "until", "", "kind", "node", "what"), rows, wrap=True)
