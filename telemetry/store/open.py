"""From a store's URL to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telemetry.contract.errors import UserError
from telemetry.store.access import NOTHING, Access, Keeps
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore

SQLITE = "sqlite:///"
LAWFUL = "sqlite:///FILE (below this folder), sqlite:////FOLDER/FILE or influxdb://HOST:8086/?org=…&bucket=…"


def open_store(url: str, *, create: bool = True, access: Access = NOTHING) -> Store:
    """The store that a URL names; it connects when its ``open()`` is awaited.

    Without `create` (commands that only read), ``open()`` raises `UserError` when there is no store.
    Raises `UserError` for any other URL, and where `access` lacks what the store needs.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise UserError(f"store {url!r}: no URL; a file is named like {SQLITE}{url or 'e3p.db'}")
    if scheme == "sqlite":
        keeps = Keeps(access.raw_days, access.window_days)
        return SqliteStore(_file(url, rest), create=create, letter_bytes=access.letter_bytes, keeps=keeps)
    if scheme in ("influxdb", "influxdbs"):
        # Only here: what speaks to a server loads HTTP and numpy, and most commands are over before that.
        from telemetry.store.influx import Address, InfluxStore  # noqa: PLC0415

        return InfluxStore(Address.parse(url), access, create=create, letter_bytes=access.letter_bytes)
    raise UserError(f"store {url!r}: no store is called {scheme!r} here; use {LAWFUL}")


@asynccontextmanager
async def opened_store(url: str, *, create: bool = True, access: Access = NOTHING) -> AsyncIterator[Store]:
    """The store that a URL names, open for the length of the block."""
    store = open_store(url, create=create, access=access)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _file(url: str, rest: str) -> Path:
    if not rest.startswith("/"):
        raise UserError(f"store {url!r}: three slashes come before the file; did you mean {SQLITE}{rest}?")
    path = rest[1:]
    if not path or path.startswith(":") or path.endswith("/") or "?" in path or "\0" in path:
        raise UserError(f"store {url!r}: names no file; use {LAWFUL}")
    return Path(path)
