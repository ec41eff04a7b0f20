"""Names as InfluxDB can carry them: what would break a line or a query is written as ``%XX`` of its UTF-8.

Everyday names stay as they are. The encoding can be undone, so no two names meet in one.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

EMPTY = "%"
"""Stands for the empty name, which line protocol does not have; no other name is encoded so."""
TIME = "%74ime"
"""Stands for a channel called `time`: InfluxDB drops a field of that name without a word."""

EARLIEST = -(2**63) + 2
LATEST = 2**63 - 2
"""The times that InfluxDB knows, ns; what lies beyond is put at the edge."""

_UNSAFE = frozenset("%\\\"'")
PART_OF_A_LINE = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


@lru_cache(maxsize=100_000)
def name(text: str) -> str:
    """A name as it rests in a tag, and as a query asks for it."""
    return "".join(map(_sign, text)) or EMPTY


def original(encoded: str) -> str:
    """The name that `name` encoded."""
    return "" if encoded == EMPTY else unquote(encoded)


@lru_cache(maxsize=100_000)
def tag(text: str) -> bytes:
    """A name as a tag's value in a line."""
    return name(text).translate(PART_OF_A_LINE).encode()


@lru_cache(maxsize=100_000)
def field(text: str) -> bytes:
    """A name as a field's key in a line."""
    return tag(text) if text != "time" else TIME.encode()


def text(value: str) -> bytes:
    """A text as a field's value in a line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode()


def quoted(text: str) -> str:
    """A name as a literal in a query."""
    return f"'{name(text)}'"


def _sign(sign: str) -> str:
    if sign.isprintable() and sign not in _UNSAFE:
        return sign
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))
