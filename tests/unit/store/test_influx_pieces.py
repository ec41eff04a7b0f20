"""Values beyond 1 MiB rest in several fields and come back whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from telemetry.store.influx import pieces


def row_of(fields: bytes) -> dict[str, Any]:
    """Fields as an answer has them; those of this test hold no quotes and no commas."""
    return dict(re.findall(r'(\w+)="([^"]*)"', fields.decode()))


@pytest.mark.parametrize("size", [0, 1, pieces.PIECE - 1, pieces.PIECE, pieces.PIECE + 1, 3 * pieces.PIECE])
def test_a_text_comes_back_whatever_its_length(size: int) -> None:
    whole = "x" * size
    assert pieces.text_of("doc", row_of(pieces.text_fields("doc", whole))) == whole


@pytest.mark.parametrize("size", [0, 1, 749_999, 750_000, 750_001, 4_000_000])
def test_bytes_come_back_whatever_their_length(size: int) -> None:
    whole = bytes(range(256)) * (size // 256 + 1)
    row = row_of(pieces.packed_fields("body", whole[:size]))
    assert pieces.packed_of("body", row) == whole[:size]
    assert all(len(piece) <= 1_048_576 for piece in row.values())


def test_what_a_longer_value_left_behind_does_not_count() -> None:
    old = row_of(pieces.text_fields("doc", "x" * 2 * pieces.PIECE))
    new = row_of(pieces.text_fields("doc", "y"))
    assert pieces.text_of("doc", old | new) == "y"


def test_a_row_without_the_value_has_none() -> None:
    assert pieces.packed_of("body", {"seq": 1, "body": None}) is None
