"""``e3p backup`` and ``e3p restore``: everything a store holds, into a folder and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.store.backup import Backup

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder.")]


def backup(
    folder: Folder,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Copies the whole store to a new folder, while the server goes on writing it."""
    import time

    import anyio

    from e3p.bar import share_of
    from e3p.settings import load
    from telemetry.store.backup import back_up

    settings = load(config, store=store)
    opened = settings.store(create=False)
    with share_of("copied") as show:
        made = anyio.run(back_up, opened, folder, time.time(), show)
    _print(made, f"the backup is in {folder}", json=json)


def restore(
    folder: Folder,
    force: Annotated[bool, typer.Option("--force", help="Replace the store that is there.")] = False,
    despite_collector: Annotated[
        bool,
        typer.Option(
            "--despite-collector", help="Also where a collector was at work a moment ago (InfluxDB)."
        ),
    ] = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Puts a backup in the place of the store, as it was. Stop the server's programs first."""
    import anyio

    from e3p.settings import load
    from telemetry.store.backup import restore as put_back

    settings = load(config, store=store)
    opened = settings.store()

    async def work() -> Backup:
        return await put_back(folder, opened, force=force, despite_collector=despite_collector)

    _print(anyio.run(work), f"restored to {settings.common.store}", json=json)


def _print(backup: Backup, words: str, *, json: bool) -> None:
    from e3p.output import print_json

    if json:
        print_json(backup)
        return
    holds = ", ".join(f"{count:,} {name}" for name, count in backup.holds.items())
    size_mib = sum(file.size_bytes for file in backup.files) / 2**20
    typer.echo(f"{words}: {holds}; {size_mib:,.1f} MiB, made {backup.made_at}")
