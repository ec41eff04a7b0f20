"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analyzer.scoring import Score

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
Campaign = Annotated[
    str | None,
    typer.Option("--campaign", metavar="NAME", help="Only the trials of a campaign, by name or id."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Dataset = Annotated[str | None, typer.Option(help="Only this data set.")]
Origin = Annotated[
    str, typer.Option(help="measured, estimated, replayed, synthetic, or any; never mixed in one table.")
]
ExponentA = Annotated[float, typer.Option(help="Exponent of accuracy.")]
ScaleB = Annotated[float, typer.Option(help="Scale of the score; never changes an order.")]
Unit = Annotated[str, typer.Option(help="Unit of the energy of 1,000 images: J, mJ, kJ or Wh.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")]


def check_output(*, json: bool, csv: bool) -> None:
    """Refuses two forms of output at once."""
    if json and csv:
        raise typer.BadParameter("choose one of --json and --csv", param_hint="--csv")


def score(a: float, b: float, unit: str) -> Score:
    """How to score. Raises `UserError` for what SAM is not defined for."""
    from analyzer.sam import ScoreUndefined
    from analyzer.scoring import Score
    from telemetry.contract.errors import UserError

    try:
        return Score(a=a, b=b, unit=unit)
    except ScoreUndefined as error:
        raise UserError(str(error)) from None


def check_origin(name: str) -> None:
    """Refuses what is neither an origin nor `any`."""
    from telemetry.contract.manifest import ORIGINS

    if name not in (*ORIGINS, "any"):
        right = f"{', '.join(ORIGINS)} or any is expected; origins never mix in one table"
        raise typer.BadParameter(right, param_hint="--origin")
