"""What commands print: one JSON document, or tables that fit a terminal and a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from view.numbers import energy, number, origin_note, state, with_u95

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["energy", "number", "origin_note", "print_json", "print_table", "say", "state", "with_u95"]


def print_json(document: object) -> None:
    """One JSON document on standard output, and nothing else there."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table: columns as wide as their text, numbers to the right."""
    body = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *body, strict=True)]
    right = [all(_is_number(row[at]) for row in body) and bool(body) for at in range(len(headings))]
    for line in [list(headings), ["-" * width for width in widths], *body]:
        cells = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def say(text: str) -> None:
    """A line for people, on standard error: standard output is for answers."""
    sys.stderr.write(text + "\n")


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("%", "", 1).isdigit()
