"""``e3p node``: which nodes there are, and how one leaves for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.roll import Entry
    from telemetry.contract.replies import State
    from telemetry.runtime.address import Address

Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Names, or patterns such as 'sim-*'.")]

app = typer.Typer(help="The nodes of the fleet.", no_args_is_help=True)


@app.callback()
def node() -> None:
    """The nodes of the fleet."""


@app.command(name="list")
def list_(
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Lists every node with its state, when it was last seen, what it keeps or misses, and what lasts of it.

    Without a broker that answers, the states are unknown.
    """
    import time

    import anyio

    from e3p.output import print_json
    from e3p.roll import read_roll
    from e3p.settings import load

    settings = load(config, level="error", store=store, mqtt=mqtt)

    async def work() -> list[Entry]:
        async with settings.opened_store(create=False) as opened:
            return await read_roll(opened, await _states(settings.common.address()), time.time_ns())

    entries = anyio.run(work)
    if json:
        print_json({"nodes": entries})
    else:
        _print(entries)


@app.command()
def forget(
    names: Names,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> None:
    """Takes nodes off the list and off the broker. What is stored of them stays, and so do their results.

    A node that speaks again is back.
    """
    import time

    import anyio

    from e3p.retained import clear, read_states
    from e3p.roll import forget as leave
    from e3p.roll import read_roll
    from e3p.settings import load

    settings = load(config, level="error", store=store, mqtt=mqtt)

    async def work() -> list[Entry]:
        address = settings.common.address()
        async with settings.opened_store(create=False) as opened:
            states = await read_states(address)
            chosen = _chosen(names, await read_roll(opened, states, time.time_ns()))
            await clear(address, [entry.node for entry in chosen])
            for entry in chosen:
                await leave(opened, entry, time.time_ns())
        return chosen

    for entry in anyio.run(work):
        alive = entry.state in {"init", "ready", "draining"}
        rest = f"; it is {entry.state} now, and comes back unless its agent is stopped" if alive else ""
        typer.echo(f"{entry.node} is forgotten; what is stored of it stays{rest}")


async def _states(address: Address) -> dict[str, State]:
    from e3p.output import say
    from e3p.retained import read_states
    from telemetry.contract.errors import UserError

    try:
        return await read_states(address)
    except UserError as trouble:
        say(f"e3p: {trouble}; states are unknown")
        return {}


def _chosen(names: list[str], entries: list[Entry]) -> list[Entry]:
    """The nodes that the names and patterns mean, each of which must mean one at least."""
    from fnmatch import fnmatchcase

    from telemetry.contract.errors import UserError

    found: dict[str, Entry] = {}
    for name in names:
        meant = {entry.node: entry for entry in entries if fnmatchcase(entry.node, name)}
        if not meant:
            known = ", ".join(entry.node for entry in entries[:10]) or "none"
            raise UserError(f"{name!r}: no node on the list is called so; there are {known}")
        found |= meant
    return list(found.values())


def _print(entries: list[Entry]) -> None:
    from e3p.output import print_table
    from e3p.times import show_time

    if not entries:
        typer.echo("no nodes")
        return
    headings = (
        "node",
        "state",
        "device",
        "last seen",
        "boots",
        "spooled",
        "missing",
        "clock (ms)",
        "software",
        "findings",
    )
    print_table(
        headings,
        [
            (
                entry.node,
                entry.state,
                entry.device,
                show_time(entry.last_seen) if entry.last_seen is not None else None,
                entry.boots,
                entry.spooled,
                entry.missing,
                None if entry.clock_ms is None else f"{entry.clock_ms:.1f}",
                entry.software,
                ", ".join(entry.findings) or None,
            )
            for entry in entries
        ],
    )
