"""One line of `e3p doctor`."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """`well` says whether it can be used as it is."""

    topic: str
    name: str
    well: bool
    words: str
