"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="Where things rest: sqlite:///FILE, influxdb://HOST/?org=…&bucket=…."
    ),
]
Mqtt = Annotated[str | None, typer.Option("--mqtt", metavar="URL", help="The broker: mqtt://HOST:PORT.")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings to use instead of ./e3p.toml.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def check_origin(name: str) -> None:
    """Refuses what is neither an origin nor `any`."""
    from telemetry.contract.manifest import ORIGINS

    if name not in (*ORIGINS, "any"):
        right = f"{', '.join(ORIGINS)} or any is expected; origins never mix in one table"
        raise typer.BadParameter(right, param_hint="--origin")
