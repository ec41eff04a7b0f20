"""Backups: a folder with everything that a store holds, whole or not there at all.

It is written beside its final place and gets its name at the very end; ``backup.json`` says what is in it,
with a checksum of each file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from telemetry.contract.errors import UserError
from telemetry.store.attendance import Attended
from telemetry.store.interface import Store

FORMAT = 1
INDEX = "backup.json"
CHUNK_BYTES = 1 << 20

Tell = Callable[[float], None]


class File(msgspec.Struct, frozen=True):
    """One file of a backup."""

    name: str
    size_bytes: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What ``backup.json`` says. `holds` counts frames, letters and documents; `made_at` is ISO 8601."""

    format: int
    kind: str
    store: str
    schema: int
    made_at: str
    files: tuple[File, ...]
    holds: dict[str, int]


async def back_up(store: Store, folder: Path, now_s: float, tell: Tell) -> Backup:
    """Copies a store, not opened here, to a new folder; others may go on writing it. Raises `UserError`."""
    with _in_the_end(folder) as coming:
        schema, holds = await store.copy_out(coming, tell)
        files = await anyio.to_thread.run_sync(_all_described, coming)
        backup = Backup(
            format=FORMAT,
            kind=_kind(store),
            store=store.url,
            schema=schema,
            made_at=datetime.fromtimestamp(now_s, timezone.utc).isoformat(timespec="seconds"),
            files=files,
            holds=holds,
        )
        _write(coming / INDEX, msgspec.json.format(msgspec.json.encode(backup), indent=2))
    return backup


async def restore(folder: Path, store: Store, *, force: bool, despite_collector: bool = False) -> Backup:
    """Puts a backup in the place of a store that nobody has open. Raises `UserError`.

    `despite_collector`: whatever the store says of collectors at work.
    """
    backup = await anyio.to_thread.run_sync(read_backup, folder)
    if backup.kind != _kind(store):
        raise UserError(f"{folder}: a backup of {backup.store}, which cannot become {store.url}")
    if isinstance(store, Attended) and not despite_collector and (there := await store.collectors()):
        right = "stop them first; one that was killed is gone within a minute, or with --despite-collector"
        raise UserError(f"{store.url}: collectors are at work: {', '.join(there)}; {right}")
    await store.copy_in(folder, force=force)
    return backup


def read_backup(folder: Path) -> Backup:
    """What is in a backup, once every file of it is as it was written. Raises `UserError`."""
    try:
        said: Any = msgspec.json.decode((folder / INDEX).read_bytes())
        newer = isinstance(said, dict) and said.get("format", FORMAT) != FORMAT
        backup = None if newer else msgspec.convert(said, Backup)
    except OSError:
        raise UserError(f"{folder}: no backup: it has no {INDEX}, which comes last") from None
    except msgspec.MsgspecError as error:
        raise UserError(f"{folder / INDEX}: cannot be read: {error}") from None
    if backup is None:
        raise UserError(f"{folder}: format {said['format']}, of another e3p; this one reads {FORMAT}")
    for file in backup.files:
        if not (folder / file.name).is_file() or _described(folder / file.name) != file:
            raise UserError(
                f"{folder / file.name}: missing, or not as it was written: this backup is damaged"
            )
    return backup


@contextmanager
def _in_the_end(folder: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when all is on the disk; nothing is left of a failure."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: exists and is not empty; each backup has a folder of its own")
    coming = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    try:
        coming.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); name another place") from error
    try:
        yield coming
        coming.replace(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def _kind(store: Store) -> str:
    """`sqlite` or `influxdb`, whether with TLS or not."""
    return store.url.partition(":")[0].removesuffix("s")


def _all_described(folder: Path) -> tuple[File, ...]:
    return tuple(_described(path) for path in sorted(folder.iterdir()))


def _described(path: Path) -> File:
    """A file's size and checksum; it is on the disk when this returns."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while part := file.read(CHUNK_BYTES):
            digest.update(part)
    return File(path.name, path.stat().st_size, digest.hexdigest())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
