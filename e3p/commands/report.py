"""``e3p report``: what is stored, as one HTML file to send to somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e3p import options


def report(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the report goes.")] = Path("report.html"),
    device: Annotated[str | None, typer.Option(help="Only this kind of device.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this data set.")] = None,
    origin: Annotated[
        str, typer.Option(help="measured, estimated, replayed, synthetic, or any; each has its own ranking.")
    ] = "any",
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Writes the report: the answer, the ranking, every trial's power, budgets, the ledger, in one file.

    It needs no network, loads nothing, and can be sent as it is.
    """
    import anyio

    from analyzer.scoring import Score
    from e3p.reporting import write_report
    from e3p.settings import load
    from view.material import Choice

    options.check_origin(origin)
    settings = load(config, store=store)
    choice = Choice(device, dataset, None if origin == "any" else origin)
    ranked_by = settings.analyzer
    score = Score(a=ranked_by.a, b=ranked_by.b, unit=ranked_by.unit)
    answer = anyio.run(write_report, settings.common.store, out, choice, score, settings.access)
    typer.echo(answer.sentence)
    for note in answer.notes:
        typer.echo(note)
    typer.echo(f"the report is in {out}")
