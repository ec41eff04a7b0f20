"""``e3p store``: what is set up once where things rest."""

from __future__ import annotations

import typer

from e3p import options

app = typer.Typer(help="Set up where things rest.", no_args_is_help=True)


@app.callback()
def store() -> None:
    """What is set up once where things rest."""


@app.command()
def setup(store: options.Store = None, config: options.Config = None, json: options.Json = False) -> None:
    """Makes what is missing at an InfluxDB 2: buckets, their retention, and tasks that keep power for years.

    The tasks make means, minima and maxima of a second and of a minute. A store in a file needs none of it.
    Again it changes nothing; where E3P_STORE_RAW_DAYS or store_raw_days is set, the raw bucket is given it.
    """
    import anyio
    import msgspec

    from e3p.output import print_json, print_table
    from e3p.settings import load
    from telemetry.store.steps import Preparable, Step

    settings = load(config, store=store)
    chosen = settings.resolved.origins["store_raw_days"] != "default"
    raw_days = settings.common.store_raw_days if chosen else None

    async def work() -> list[Step]:
        async with settings.opened_store() as opened:
            return list(await opened.set_up(raw_days)) if isinstance(opened, Preparable) else []

    steps = anyio.run(work)
    if json:
        print_json({"store": settings.common.store, "steps": msgspec.to_builtins(steps)})
    elif steps:
        print_table(("", "name", "", "what"), [(s.what, s.name, s.outcome, s.words) for s in steps])
    else:
        typer.echo(f"{settings.common.store}: a store in a file, nothing more is needed")
