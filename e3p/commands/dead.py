"""``e3p dead``: quarantined messages, and their way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.store.interface import Letter, Store

Keys = Annotated[list[str] | None, typer.Argument(metavar="KEY…", help="Keys, or their beginnings.")]
All = Annotated[bool, typer.Option("--all", help="Every letter.")]

app = typer.Typer(help="Quarantined messages, and their way back.", no_args_is_help=True)


@app.callback()
def dead() -> None:
    """Messages that could not be taken, kept with the reason why."""


@app.command(name="list")
def list_(store: options.Store = None, config: options.Config = None, json: options.Json = False) -> None:
    """Lists the letters, oldest first."""
    from collector.letters import announcement
    from e3p.at_store import at_store
    from e3p.output import print_json, print_table
    from e3p.times import show_time

    letters = at_store(store, config, lambda opened: opened.letters(bodies=False))
    if json:
        print_json({"letters": [announcement(letter) for letter in letters]})
        return
    if not letters:
        typer.echo("no dead letters: nothing was refused")
        return
    rows = [(each.key[:12], show_time(each.at), each.topic, each.reason) for each in letters]
    print_table(("key", "at", "topic", "reason"), rows)


@app.command()
def show(
    keys: Keys = None, store: options.Store = None, config: options.Config = None, json: options.Json = False
) -> None:
    """Shows letters whole, their bodies as hex."""
    from collector.letters import announcement
    from e3p.at_store import at_store
    from e3p.output import print_json
    from e3p.times import show_time

    letters = at_store(store, config, lambda opened: _chosen(opened, keys, every=False))
    shown = [
        {**_fields(announcement(letter)), "body_hex": letter.body.hex() if letter.body is not None else None}
        for letter in letters
    ]
    if json:
        print_json({"letters": shown})
        return
    for letter in letters:
        typer.echo(f"key     {letter.key}\nat      {show_time(letter.at)}\ntopic   {letter.topic}")
        typer.echo(f"reason  {letter.reason}")
        typer.echo(f"body    {_preview(letter.body)}\n")


@app.command()
def replay(
    keys: Keys = None,
    every: All = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Sends letters through the line again. Exit code 1 when one is still bad: it stays the same letter."""
    from collector.letters import Replayed
    from collector.letters import replay as again
    from e3p.at_store import at_store
    from e3p.output import print_json, print_table

    async def work(opened: Store) -> list[Replayed]:
        return [await again(opened, letter) for letter in await _chosen(opened, keys, every=every)]

    outcomes = at_store(store, config, work)
    rows = [(each.key, "taken" if each.taken else "still bad", each.reason or "") for each in outcomes]
    if json:
        print_json({"letters": [{"key": key, "outcome": what, "reason": why} for key, what, why in rows]})
    else:
        print_table(("key", "outcome", "reason"), rows)
    return 0 if all(each.taken for each in outcomes) else 1


@app.command()
def drop(
    keys: Keys = None, every: All = False, store: options.Store = None, config: options.Config = None
) -> None:
    """Forgets letters for good: the ledger then names their frames as missing."""
    from collector.letters import drop_letters
    from e3p.at_store import at_store

    async def work(opened: Store) -> int:
        letters = await _chosen(opened, keys, every=every)
        await drop_letters(opened, letters)
        return len(letters)

    typer.echo(f"{at_store(store, config, work)} dropped")


async def _chosen(store: Store, keys: list[str] | None, *, every: bool) -> list[Letter]:
    from collector.letters import find_letter
    from telemetry.contract.errors import UserError

    if every:
        return await store.letters()
    if not keys:
        raise UserError("no letter named: give keys of `e3p dead list`, or --all where a command has it")
    return [await find_letter(store, key) for key in keys]


def _fields(struct: object) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(struct))


def _preview(body: bytes | None) -> str:
    if body is None:
        return "not kept: the letter store was full, or the message too large"
    rest = f" … and {len(body) - 256} bytes more" if len(body) > 256 else ""
    return f"{len(body)} bytes: {body[:256].hex()}{rest}"
