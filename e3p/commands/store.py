"""``e3p store``: where things rest, set up once, and how large it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e3p import options

app = typer.Typer(help="Where things rest: set it up, see its size.", no_args_is_help=True)


@app.callback()
def store() -> None:
    """Where things rest."""


@app.command()
def size(store: options.Store = None, config: options.Config = None, json: options.Json = False) -> None:
    """Says how large a store in a file is, and how much of it is free inside."""
    from e3p.at_store import at_store
    from e3p.output import print_json
    from e3p.sizes import size_of, size_words

    found = at_store(store, config, size_of)
    if json:
        print_json(found)
    else:
        typer.echo(size_words(found))


@app.command()
def compact(store: options.Store = None, config: options.Config = None) -> None:
    """Writes a store in a file anew, without room inside. It takes as much disk again while it works.

    A file that an older e3p made gives room back by itself from then on.
    """
    from e3p.at_store import at_store
    from e3p.sizes import compacted, size_words

    before, after = at_store(store, config, compacted)
    typer.echo(f"before: {size_words(before)}")
    typer.echo(f"now:    {size_words(after)}")


@app.command()
def setup(
    token_for_programs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep there a token that may read and write these buckets alone."),
    ] = None,
    token_for_readers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep there one that may only read them, as Grafana does."),
    ] = None,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Makes what is missing at an InfluxDB 2: buckets, their retention, and tasks that keep power for years.

    The tasks make means, minima and maxima of a second and of a minute. A store in a file needs none of it.
    Again it changes nothing; where E3P_STORE_RAW_DAYS or store_raw_days is set, the raw bucket is given it.
    A token's file is made for its owner alone (0600); one that is there keeps its mode.
    """
    import anyio
    import msgspec

    from e3p.output import print_json, print_table
    from e3p.settings import load
    from telemetry.store.steps import Preparable, Step, TokenFile

    files = ((token_for_programs, True), (token_for_readers, False))
    tokens = [TokenFile(path, writes=writes) for path, writes in files if path is not None]
    settings = load(config, store=store)
    chosen = settings.resolved.origins["store_raw_days"] != "default"
    raw_days = settings.common.store_raw_days if chosen else None

    async def work() -> list[Step]:
        async with settings.opened_store() as opened:
            return list(await opened.set_up(raw_days, tokens)) if isinstance(opened, Preparable) else []

    steps = anyio.run(work)
    if json:
        print_json({"store": settings.common.store, "steps": msgspec.to_builtins(steps)})
    elif steps:
        print_table(("", "name", "", "what"), [(s.what, s.name, s.outcome, s.words) for s in steps])
    else:
        typer.echo(f"{settings.common.store}: a store in a file, nothing more is needed")
