"""A little of what `python -m tests.fuzz` does with a million inputs."""

from __future__ import annotations

from tests.fuzz import fuzz


def test_damaged_messages_are_taken_or_refused_and_nothing_else() -> None:
    found = fuzz(5_000, 1)
    assert found.errors == []
    assert found.taken
    assert found.refused
