"""``e3p meter``: which meter on another host measures which device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.contract.documents import MeterJoin
    from telemetry.store.interface import Store

app = typer.Typer(
    no_args_is_help=True, help="Joins a meter on another host to the device that it measures, or parts them."
)

Meter = Annotated[str, typer.Argument(metavar="NODE", help="The node that the meter speaks as.")]
Stream = Annotated[str, typer.Option(metavar="STREAM", help="Which of its power streams.")]


@app.command()
def join(
    meter: Meter,
    of: Annotated[str, typer.Option("--of", metavar="NODE", help="The node whose device it measures.")],
    stream: Stream = "main",
    clock_u95_ms: Annotated[
        float, typer.Option(min=0, help="How far its UTC stamps may be off, if it never pings. 95 %, in ms.")
    ] = 1000.0,
    gain_uncertainty: Annotated[
        float | None, typer.Option(min=0, max=1, help="Relative, k = 1; for a meter without a manifest.")
    ] = None,
    offset_w_uncertainty: Annotated[float | None, typer.Option(min=0, help="In watts, k = 1.")] = None,
    resolution_w: Annotated[float | None, typer.Option(min=0, help="Its smallest step in watts.")] = None,
    averaging_window_ms: Annotated[float | None, typer.Option(min=0)] = None,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """From now on each window of the device has the meter's energy beside its own.

    Both clocks are laid over each other by their pings; what is unsure about that is a line of the budget.
    `e3p reanalyze` applies it to windows of before. Joined again, a meter is of the device named last.
    """
    from e3p.at_store import at_store
    from e3p.output import say
    from telemetry.contract.documents import MeterJoin
    from telemetry.contract.errors import UserError

    if meter == of:
        raise UserError(f"--of {of}: a meter is of another node; this node's own streams have results anyway")

    said = MeterJoin(
        meter=_lawful(meter),
        stream=stream,
        of=_lawful(of),
        joined=True,
        at=0,
        clock_u95_ns=round(clock_u95_ms * 1e6),
        gain_uncertainty=gain_uncertainty,
        offset_w_uncertainty=offset_w_uncertainty,
        resolution_w=resolution_w,
        averaging_window_ms=averaging_window_ms,
    )
    known = at_store(store, config, lambda opened: _put(opened, said))
    typer.echo(f"{meter}/{stream} measures {of}")
    for name in {meter, of} - known:
        say(f"e3p: nothing of node {name} is in the store yet")


@app.command()
def part(
    meter: Meter, stream: Stream = "main", store: options.Store = None, config: options.Config = None
) -> None:
    """The meter measures nobody's device any more; results it has given stay."""
    from msgspec.structs import replace

    from analyzer.meters import read_joins
    from e3p.at_store import at_store
    from telemetry.contract.errors import UserError

    async def work(opened: Store) -> str:
        held = [j for j in await read_joins(opened) if (j.meter, j.stream, j.joined) == (meter, stream, True)]
        if not held:
            raise UserError(f"{meter}/{stream} is joined to no device: see `e3p meter list`")
        await _put(opened, replace(held[0], joined=False))
        return held[0].of

    of = at_store(store, config, work)
    typer.echo(f"{meter}/{stream} no longer measures {of}")


@app.command("list")
def list_(store: options.Store = None, config: options.Config = None, json: options.Json = False) -> None:
    """Which meter measures which device."""
    from analyzer.meters import read_joins
    from e3p.at_store import at_store
    from e3p.output import print_json, print_table

    async def work(opened: Store) -> list[MeterJoin]:
        return [join for join in await read_joins(opened) if join.joined]

    joins = at_store(store, config, work)
    if json:
        print_json({"meters": joins})
    else:
        rows = [(f"{each.meter}/{each.stream}", each.of, each.clock_u95_ns / 1e6) for each in joins]
        print_table(("meter", "measures", "clock u95 (ms), if it never pings"), rows)


def _lawful(node: str) -> str:
    from telemetry.contract.errors import Refused, UserError
    from telemetry.contract.topics import node_topic

    try:
        node_topic(node, "state")
    except (Refused, ValueError) as why:
        raise UserError(f"node {node!r}: {why}") from None
    return node


async def _put(store: Store, join: MeterJoin) -> set[str]:
    """Stores it; those of the two nodes that the store knows come back."""
    import time

    from msgspec.structs import replace

    from analyzer.meters import put_join

    await put_join(store, replace(join, at=time.time_ns()))
    return {node for node in (join.meter, join.of) if await store.places(node)}
