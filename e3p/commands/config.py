"""``e3p config show``."""

from __future__ import annotations

import typer

from e3p import options

app = typer.Typer(help="What is configured.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """What is configured."""


@app.command()
def show(
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Prints every setting in force and where it came from; secrets are hidden."""
    from e3p.output import print_json, print_table
    from e3p.settings import load

    rows = list(load(config, store=store, mqtt=mqtt).resolved.rows())
    if json:
        print_json({key: {"value": value, "from": place} for key, value, place in rows})
    else:
        print_table(("setting", "value", "from"), rows)
