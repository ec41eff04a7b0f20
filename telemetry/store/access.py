"""What a store needs beside its URL: things that are secret, or that no URL should have to spell."""

from __future__ import annotations

from typing import NamedTuple, Protocol

RAW_DAYS = 30
LETTER_BYTES = 256 * 1024 * 1024


class Token(Protocol):
    """A secret that shows itself only when asked to."""

    def reveal(self) -> str: ...


class Keeps(NamedTuple):
    """For how many days a store in a file keeps raw frames, and windows of work; 0: for ever."""

    raw_days: int = 0
    window_days: int = 0


FOR_EVER = Keeps()


class Access(NamedTuple):
    """How an InfluxDB 2 is spoken to, and how many bytes dead letters may fill in any store.

    `ca` is a PEM file of who is trusted (None: the system's authorities); `zipped`: what is written travels
    compressed; `raw_days`: how long a raw bucket that is made here keeps its points, or a store in a file its
    raw frames, `window_days` how long that one keeps windows of work; 0: for ever.
    """

    token: Token | None = None
    ca: str | None = None
    zipped: bool = False
    raw_days: int = RAW_DAYS
    letter_bytes: int = LETTER_BYTES
    window_days: int = 0


NOTHING = Access()
