"""``e3p version``."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import typer

from e3p.options import Json
from e3p.output import print_json


def version(json: Json = False) -> None:
    """Which e3p this is, on which Python."""
    facts = {"e3p": installed("e3p-fleet"), "python": platform.python_version(), "contract": 1}
    if json:
        print_json(facts)
    else:
        typer.echo(f"e3p {facts['e3p']} (contract {facts['contract']}, Python {facts['python']})")
