"""What there is to set up at a store once, beyond what it makes when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is there now: `outcome` says whether this run had to do anything for it."""

    what: Literal["bucket", "task"]
    name: str
    outcome: Literal["made", "changed", "kept"]
    words: str


@runtime_checkable
class Preparable(Protocol):
    """A store that has something to set up."""

    async def set_up(self, raw_days: int | None) -> Sequence[Step]:
        """Does what is missing; again it changes nothing. `raw_days` None: the raw bucket keeps its rule."""
