"""What commands print: one JSON document, or tables that fit a terminal and a log."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import msgspec

from view.numbers import energy, number, origin_note, state, with_u95

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_ROOM = 30

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
    """A plain table: columns as wide as their text, numbers to the right.

    With `wrap` the words of the last column go on in the next line where the terminal ends.
    """
    body = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    if wrap and body:
        body = _wrapped([list(headings), *body])[1:]
    widths = [max(map(len, column)) for column in zip(headings, *body, strict=True)]
    right = [all(_is_number(row[at]) for row in body) and bool(body) for at in range(len(headings))]
    for line in [list(headings), ["-" * width for width in widths], *body]:
        cells = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _wrapped(lines: list[list[str]]) -> list[list[str]]:
    """The lines, the last cell of each broken at words to what the other columns leave of the terminal."""
    others = sum(max(len(line[at]) for line in lines) + 2 for at in range(len(lines[0]) - 1))
    room = max(LEAST_ROOM, shutil.get_terminal_size((100, 24)).columns - others)
    broken = []
    for *cells, words in lines:
        parts = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]
        broken += [[*(cells if part is parts[0] else [""] * len(cells)), part] for part in parts]
    return broken


def answer(line: str) -> None:
    """A line of the answer, on standard output."""
    sys.stdout.write(line + "\n")


def say(text: str) -> None:
    """A line for people, on standard error: standard output is for answers."""
    sys.stderr.write(text + "\n")


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("%", "", 1).isdigit()
