"""Errors by who must act: the person who typed (`UserError`) or the sender of a message (`Refused`)."""

from __future__ import annotations

from typing import Literal

from telemetry.contract.hiding import hide_secrets

Code = Literal["version", "field", "topic", "anchor", "conflict", "size", "decode", "store"]


class UserError(Exception):
    """Wrong input from a person: one line that says what was wrong, where, and what would be right.

    The line repeats no secret, even where the wrong input is one.
    """

    def __init__(self, words: str) -> None:
        super().__init__(hide_secrets(words))


class Refused(Exception):
    """A message that cannot be taken. Its text is the dead letter's reason: ``CODE path: words``."""

    def __init__(self, code: Code, path: str, words: str) -> None:
        super().__init__(f"{code} {path}: {words}")
        self.code: Code = code
        self.path = path
        self.words = words
