"""Long values as fields: one takes 1 MiB at most, so a longer value goes on in ``NAME01``, ``NAME02``."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.store.influx import names

PIECE = 250_000
"""Characters in one field: at most 4 bytes each."""
PACKED_PIECE = 1_000_000
"""Characters of base64 in one field; a multiple of 4."""


def text_fields(name: str, text: str) -> bytes:
    """A text as one or more fields of a line."""
    return b",".join(_named(name, map(names.text, _cut(text, PIECE))))


def packed_fields(name: str, data: bytes) -> bytes:
    """Bytes as one or more fields of a line, in base64."""
    packed = base64.b64encode(data)
    return b",".join(_named(name, (b'"%b"' % piece for piece in _cut(packed, PACKED_PIECE))))


def selected(name: str) -> str:
    """How a query asks for all pieces of a value."""
    return f"/^{name}[0-9]*$/"


def text_of(name: str, row: Mapping[str, Any]) -> str | None:
    """The text in a row of an answer; None where the row has none."""
    return _whole(name, row, PIECE)


def packed_of(name: str, row: Mapping[str, Any]) -> bytes | None:
    """The bytes in a row of an answer; None where the row has none."""
    packed = _whole(name, row, PACKED_PIECE)
    return None if packed is None else base64.b64decode(packed)


def _whole(name: str, row: Mapping[str, Any], size: int) -> str | None:
    """Piece after piece up to the first short one: what follows it is left from a longer value before."""
    if row.get(name) is None:
        return None
    whole = ""
    for key in sorted(key for key in row if key.startswith(name)):
        whole += row[key] or ""
        if len(row[key] or "") < size:
            break
    return whole


def _named(name: str, values: Iterator[bytes]) -> Iterator[bytes]:
    for at, value in enumerate(values):
        yield b"%b=%b" % (f"{name}{at:02d}".encode() if at else name.encode(), value)


def _cut(whole: Any, size: int) -> Iterator[Any]:  # noqa: ANN401 - text or bytes
    """Pieces of one size, and a shorter one at the end, be it empty."""
    for at in range(0, len(whole) + 1, size):
        yield whole[at : at + size]
