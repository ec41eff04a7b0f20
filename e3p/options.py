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
