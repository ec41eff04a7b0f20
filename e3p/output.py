"""What commands print: one JSON document, or tables that fit a terminal and a log."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import msgspec

from e3p.table import laid_out
from view.numbers import energy, number, origin_note, state, with_u95

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

USUAL = (100, 24)
"""Columns and lines where there is no terminal to ask."""

__all__ = [
    "answer",
    "energy",
    "number",
    "origin_note",
    "print_json",
    "print_table",
    "say",
    "state",
    "with_u95",
]


def print_json(document: object) -> None:
    """One JSON document on standard output, and nothing else there."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, wrap: bool = False) -> None:
    """A plain table. On a terminal it keeps to its width; in a file or a pipe a row stays one line.

    With `wrap` the words of the last column go on in the next line even there.
    """
    body = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    columns = range(len(headings))
    may_break = columns if sys.stdout.isatty() else columns[-1:] if wrap else ()
    room = shutil.get_terminal_size(USUAL).columns
    sys.stdout.writelines(f"{line}\n" for line in laid_out(headings, body, room, may_break))


def answer(line: str) -> None:
    """A line of the answer, on standard output."""
    sys.stdout.write(line + "\n")


def say(text: str) -> None:
    """A line for people, on standard error: standard output is for answers."""
    sys.stderr.write(text + "\n")
