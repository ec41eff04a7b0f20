"""How large a store in a file is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry.contract.errors import UserError
from telemetry.store.upkeep import Size, Tidy

if TYPE_CHECKING:
    from telemetry.store.interface import Store

MIB = 1 << 20


async def size_of(store: Store) -> Size:
    """Its size. Raises `UserError` for a store that is no file."""
    return await _in_a_file(store).size()


async def compacted(store: Store) -> tuple[Size, Size]:
    """Its size before it was written anew, and then. Raises `UserError`, `StoreUnavailable`."""
    tidy = _in_a_file(store)
    before = await tidy.size()
    await tidy.compact()
    return before, await tidy.size()


def size_words(size: Size) -> str:
    """As a person reads it."""
    stuck = "" if size.gives_back else ", which `e3p store compact` would give back"
    return f"{size.bytes / MIB:.1f} MiB, {size.free_bytes / MIB:.1f} MiB of it free{stuck}"


def _in_a_file(store: Store) -> Tidy:
    if not isinstance(store, Tidy):
        raise UserError(f"{store.url}: no store in a file; its server tells its size")
    return store
