"""What there is to set up at a store once, beyond what it makes when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

Outcome = Literal["made", "changed", "kept"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is there now: `outcome` says whether this run had to do anything for it."""

    what: Literal["bucket", "task", "token"]
    name: str
    outcome: Outcome
    words: str


class TokenFile(NamedTuple):
    """A file for a token that may read the store's buckets, may write them too or not, and nothing else."""

    path: Path
    writes: bool

    @property
    def actions(self) -> tuple[str, ...]:
        """What it may do, as InfluxDB calls it."""
        return ("read", "write") if self.writes else ("read",)


@runtime_checkable
class Preparable(Protocol):
    """A store that has something to set up."""

    async def set_up(self, raw_days: int | None, tokens: Sequence[TokenFile] = ()) -> Sequence[Step]:
        """Does what is missing; again it changes nothing. `raw_days` None: the raw bucket keeps its rule."""
