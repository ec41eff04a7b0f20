"""From a store's URL to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telemetry.contract.errors import UserError
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore

SQLITE = "sqlite:///"
LAWFUL = "sqlite:///FILE (below this folder) or sqlite:////FOLDER/FILE"


def open_store(url: str, *, create: bool = True) -> Store:
    """The store that a URL names; it connects when its ``open()`` is awaited.

    Without `create` (commands that only read), ``open()`` raises `UserError` when there is no store.
    Raises `UserError` for any other URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise UserError(f"store {url!r}: no URL; a file is named like {SQLITE}{url or 'e3p.db'}")
    if scheme != "sqlite":
        raise UserError(f"store {url!r}: no store is called {scheme!r} here; use {LAWFUL}")
    if not rest.startswith("/"):
        raise UserError(f"store {url!r}: three slashes come before the file; did you mean {SQLITE}{rest}?")
    path = rest[1:]
    if not path or path.startswith(":") or path.endswith("/") or "?" in path or "\0" in path:
        raise UserError(f"store {url!r}: names no file; use {LAWFUL}")
    return SqliteStore(Path(path), create=create)


@asynccontextmanager
async def opened_store(url: str, *, create: bool = True) -> AsyncIterator[Store]:
    """The store that a URL names, open for the length of the block."""
    store = open_store(url, create=create)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
