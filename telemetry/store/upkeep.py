"""A store that looks after its own size: what is old leaves it bit by bit, and room is given back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on the disk, and how many of them are free inside; `gives_back`: room can leave the file."""

    bytes: int
    free_bytes: int
    gives_back: bool


@runtime_checkable
class Tidy(Protocol):
    """A store in a file of its own."""

    async def tidy(self) -> bool:
        """One small step of what is due; whether there is more. Others write between two steps."""

    async def size(self) -> Size:
        """How large it is now."""

    async def compact(self) -> None:
        """Writes the whole file anew, without room inside; `StoreUnavailable` while others write."""
