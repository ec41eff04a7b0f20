"""What commands print: one JSON document, or tables that fit a terminal and a log."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.contract.documents import Result


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


def number(value: float | None, digits: int = 4) -> str | None:
    """A figure to so many significant digits, without an exponent where people read it."""
    if value is None:
        return None
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text and 1 <= abs(value) < 1e15 else text


def with_u95(value: float, u95: float | None) -> str:
    """A figure and its 95 % uncertainty, both to the second significant digit of the uncertainty."""
    if not u95 or not math.isfinite(u95):
        return str(number(value, 6))
    digits = 1 - math.floor(math.log10(u95))
    shown = f".{max(0, digits)}f"
    return f"{round(value, digits):{shown}} ± {round(u95, digits):{shown}}"


def energy(result: Result) -> str | None:
    """Joules with their 95 % uncertainty, and the origin where it is not a measurement of this window."""
    if result.energy_j is None:
        return None
    return f"{with_u95(result.energy_j, result.energy_u95_j)} J{origin_note(result.origin)}"


def origin_note(origin: str | None) -> str:
    """A remark behind a figure that was not measured here and now; nothing behind one that was."""
    return "" if origin in (None, "measured") else f" ({origin})"


def state(result: Result) -> str:
    """The state with its reasons and flags."""
    notes = ", ".join([*result.reasons, *result.flags])
    return f"{result.state}: {notes}" if notes else result.state


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("%", "", 1).isdigit()
