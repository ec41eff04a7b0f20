"""``e3p export``: what is concluded, as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e3p import options


def export(
    parquet: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder: results, rankings, manifests as Parquet.")
    ],
    power: Annotated[
        list[str] | None,
        typer.Option(metavar="WINDOW", help="Every reading of this trial or window too; once for each."),
    ] = None,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Writes results, rankings and manifests as Parquet files, number for number; each file once more anew.

    Its columns are explained in docs/export.md.
    """
    from e3p.at_store import at_store
    from e3p.output import answer
    from telemetry.contract.errors import UserError

    try:
        from e3p.exporting import export as exported
    except ImportError as missing:
        raise UserError(f"no module {missing.name}: pip install 'e3p-fleet[export]'") from None

    for written in at_store(store, config, lambda opened: exported(opened, parquet, power or ())):
        answer(f"{written.file}: {written.rows:,} row{'' if written.rows == 1 else 's'}")
