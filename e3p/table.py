"""Plain tables: columns as wide as their text, broken at words where there is less room. Pure."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

BETWEEN = "  "
LEAST = 16
"""A column of words is not made narrower than this, and none narrower than its longest word."""


def laid_out(
    headings: Sequence[str], rows: Sequence[Sequence[str]], room: int, may_break: Collection[int]
) -> Iterator[str]:
    """The lines of a table, numbers to the right.

    Where the columns need more than `room`, the widest of those that `may_break` get narrower.
    """
    right = [bool(rows) and all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    right = right or [False] * len(headings)
    least = {at: 0 if right[at] else LEAST for at in may_break}
    widths = _widths([headings, *rows], room, least)
    body = [line for row in rows for line in _broken(row, widths)]
    rule = ["-" * width for width in widths]
    for line in [*_broken(headings, widths), rule, *body]:
        cells = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        yield BETWEEN.join(cells).rstrip()


def _is_number(text: str) -> bool:
    """Whether a cell is a figure, or stands for one that is not known."""
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("%", "", 1).isdigit()


def _widths(lines: Sequence[Sequence[str]], room: int, may_break: Mapping[int, int]) -> list[int]:
    """Each column's width: that of its widest cell, or what the others leave; `may_break` tells the least."""
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    least = {at: max(width, *map(_longest_word, columns[at])) for at, width in may_break.items()}
    excess = sum(widths) + len(BETWEEN) * (len(widths) - 1) - room
    while excess > 0:
        wide = [at for at in least if widths[at] > least[at]]
        if not wide:
            break
        widths[max(wide, key=lambda at: widths[at])] -= 1
        excess -= 1
    return widths


def _longest_word(text: str) -> int:
    return max((len(word.rstrip()) for word in _words(text)), default=0)


def _broken(row: Sequence[str], widths: Sequence[int]) -> Iterator[list[str]]:
    """A row as lines, each cell broken where its column ends."""
    cells = [_lines(cell, width) for cell, width in zip(row, widths, strict=True)]
    for line in zip_longest(*cells, fillvalue=""):
        yield list(line)


def _lines(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    lines = [""]
    for word in _words(text):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return lines


def _words(text: str) -> list[str]:
    """Where a text may be broken: behind spaces; a model's name, which has none, behind timm's point."""
    return re.findall(r"\S+\s*", text) if " " in text else re.split(r"(?<=\.)(?=[a-z])", text)
