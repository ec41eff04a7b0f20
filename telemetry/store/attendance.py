"""A store that knows whether a collector is at work on it, for whoever must not come in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

EVERY_S = 15.0
"""How often a collector says that it is there."""


@runtime_checkable
class Attended(Protocol):
    """A store whose collectors say who they are."""

    async def attend(self, who: str) -> None:
        """Says that `who` collects into the open store, until it is closed; to be said again every `EVERY_S`.

        Raises `UserError` where another one does and only one may, `StoreUnavailable`.
        """

    async def collectors(self) -> Sequence[str]:
        """Who collects into a store that is not opened here."""
