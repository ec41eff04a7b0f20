"""What of a document can be plotted: numbers, truths and short words as fields, a ranking's rows as points.

The fields of a name never change their type, because the server refuses a point that does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from telemetry.store.influx.names import field, tag, text

TAGS = (
    "accuracy_origin",
    "app",
    "backend",
    "dataset",
    "device",
    "group",
    "kind",
    "model",
    "origin",
    "power_mode",
    "precision",
    "sensor",
    "severity",
    "state",
    "stream",
    "subject",
)
"""Texts of a document by which it is found and grouped, where it has them."""
WORDS = (
    "cause",
    "flags",
    "manifest_hash",
    "reason",
    "reasons",
    "software",
    "throttle",
    "unit",
    "verdict",
    "window",
    "words",
)
"""Texts and lists of texts that a table shows."""
WHOLE_NS = ("begin", "end", "computed_at", "at", "until", "utc_offset_ns", "utc_offset_u95_ns")
"""Numbers that a float would round."""
ELSEWHERE = ("v", "revision", "number")
"""Numbers that rest under another name, or say nothing."""
BUDGET = "budget_"
"""Before the name of a line of the budget: its standard uncertainty in joules."""
PLACE = "place_"
"""Before the unit and the `a` of another order: the row's place in it."""

ROW = "ranking_row"
"""The measurement of a ranking's rows."""
ROW_TAGS = ("model", "precision", "backend", "batch_size", "accuracy_origin", "state")
"""What a row is of, beside its ranking's group."""
SOAK = "soak_"
"""Before the name of a list of a soak's verdict: the measurement of what is in it."""
SOAK_LISTS = ("held", "drift", "changes", "episodes")
PARTS = (ROW, *(f"{SOAK}{name}" for name in SOAK_LISTS))
"""The measurements of what is in documents' lists."""
PART_TAGS = ("kind", "metric", "name", "verdict")
"""What tells the parts of a soak from each other."""


def fields_of(said: Mapping[str, Any], prefix: str = "") -> Iterator[bytes]:
    """A document's fields, and those of the maps in it, under the map's name and an underscore."""
    for key, value in said.items():
        place = f"{prefix}{key}"
        if place in WORDS and isinstance(value, (str, list)):
            yield b"%b=%b" % (
                field(place),
                text(value if isinstance(value, str) else ", ".join(map(str, value))),
            )
        elif place == "budget" and isinstance(value, list):
            yield from _budget(value)
        elif isinstance(value, dict) and not prefix:
            yield from fields_of(value, f"{place}_")
        else:
            yield from _number(place, value)


def part_lines(kind: str, said: Mapping[str, Any], own: Mapping[str, str], stamp: int) -> Iterator[bytes]:
    """The points of what is in a document's lists; `own` are the tags of the document, `stamp` its time."""
    if kind == "ranking":
        yield from _row_lines(said, own, stamp)
    elif kind == "soak":
        yield from _soak_lines(said, own, stamp)


def _soak_lines(said: Mapping[str, Any], own: Mapping[str, str], stamp: int) -> Iterator[bytes]:
    """What began or changed at a moment stands there, the rest at the end of the soak."""
    for name in SOAK_LISTS:
        for part in said.get(name, ()):
            tags = {key: str(part[key]) for key in PART_TAGS if part.get(key) is not None} | dict(own)
            fields = b",".join(fields_of({key: value for key, value in part.items() if key not in tags}))
            at = part.get("begin", part.get("at", stamp))
            yield b"%b,%b %b %d\n" % (f"{SOAK}{name}".encode(), tags_of(tags), fields, at)


def _row_lines(said: Mapping[str, Any], own: Mapping[str, str], stamp: int) -> Iterator[bytes]:
    """A point for each row of a ranking; `own` are the tags of the document."""
    group = {key: value for key, value in (said.get("group") or {}).items() if isinstance(value, str)}
    netscores = {row["rank"]: row for row in (said.get("netscore") or {}).get("rows", ())}
    for row in said.get("rows", ()):
        tags = {key: str(row[key]) for key in ROW_TAGS if row.get(key) is not None} | group | dict(own)
        more: dict[str, Any] = {"pareto": row["rank"] in said.get("pareto", ())}
        if found := netscores.get(row["rank"]):
            more |= {"netscore": found["netscore"], "netscore_rank": found["netscore_rank"]}
        numbers = {key: value for key, value in row.items() if key not in tags}
        places = _places(row["rank"], said.get("sensitivity", ()))
        fields = b",".join(fields_of({**numbers, **more, **places, "unit": said.get("unit")}))
        yield b"%b,%b %b %d\n" % (ROW.encode(), tags_of(tags), fields, stamp)


def tags_of(texts: Mapping[str, str]) -> bytes:
    """Tags of a line, in the order in which the server sorts them; an empty one is absent."""
    return b",".join(b"%b=%b" % (field(key), tag(texts[key])) for key in sorted(texts) if texts[key])


def _number(place: str, value: object) -> Iterator[bytes]:
    if isinstance(value, bool):
        yield b"%b=%b" % (field(place), b"true" if value else b"false")
    elif place in WHOLE_NS and isinstance(value, int):
        yield b"%b=%di" % (field(place), value)
    elif isinstance(value, (int, float)) and place not in ELSEWHERE and math.isfinite(value):
        yield b"%b=%b" % (field(place), repr(float(value)).encode())


def _budget(lines: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Lines of one name count together, as independent."""
    squares: dict[str, float] = {}
    for line in lines:
        squares[line["name"]] = squares.get(line["name"], 0.0) + line["u_j"] ** 2
    for name, square in squares.items():
        yield from _number(f"{BUDGET}{name}", math.sqrt(square))


def _places(rank: int, orders: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Where a row stands in each other order; one without a score there has no place."""
    return {
        f"{PLACE}{order['unit']}_{order['a']:g}": order["order"].index(rank) + 1
        for order in orders
        if rank in order["order"] and rank not in order["undefined"]
    }
