"""What lies where, by name: the tags and fields of each measurement, from the contract where it says them.

For those who ask in a language of their own, such as dashboards: what is not in here, the store never writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec
from msgspec import inspect

from telemetry.contract.documents import EventRefused, Exclusion, Result
from telemetry.contract.events import Finding
from telemetry.contract.ledger import Shares
from telemetry.contract.ranking import NetScoreRow, Ranking, RankingGroup, RankingRow
from telemetry.contract.soak import Change, Drift, Episode, Held, Soak
from telemetry.store.influx.plots import BY_PART, FACTS, PLAIN, TOTAL
from telemetry.store.influx.plotted import (
    BUDGET,
    ELSEWHERE,
    PART_TAGS,
    PLACE,
    ROW,
    ROW_TAGS,
    SOAK,
    SOAK_LISTS,
    TAGS,
    WORDS,
)

Room = Literal["raw", "results", "long"]


class Holding(NamedTuple):
    """One measurement. `families` begin the names of fields whose rest is data: `temp_c_` of `temp_c_gpu`."""

    room: Room
    tags: frozenset[str]
    fields: frozenset[str]
    families: tuple[str, ...] = ()

    def has(self, field: str) -> bool:
        """Whether a field of that name may be there."""
        return field in self.fields or any(field.startswith(each) for each in self.families)


def _types(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(kind, inspect.Metadata):
        return _types(kind.type)
    if isinstance(kind, inspect.UnionType):
        return tuple(found for each in kind.types for found in _types(each))
    return (kind,)


def _numbers(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """The fields that `fields_of` makes of such a document; a family ends in an underscore."""
    info = inspect.type_info(struct)
    for each in info.fields if isinstance(info, inspect.StructType) else ():
        place = f"{prefix}{each.name}"
        for kind in _types(each.type):
            if isinstance(kind, (inspect.IntType, inspect.FloatType, inspect.BoolType)):
                yield from () if place in ELSEWHERE else (place,)
            elif isinstance(kind, inspect.StructType) and not prefix:
                yield from _numbers(kind.cls, f"{place}_")
            elif isinstance(kind, inspect.DictType) and not prefix:
                yield f"{place}_"


def _document(struct: type[msgspec.Struct], *, families: tuple[str, ...] = ()) -> Holding:
    names = {each.name for each in msgspec.structs.fields(struct)}
    numbers = set(_numbers(struct))
    open_ends = tuple(sorted(name for name in numbers if name.endswith("_")))
    tags = {*names.intersection(TAGS), "id", "node", "revision"}
    fields = {*numbers.difference(open_ends), *names.intersection(WORDS), "number", "doc"} - tags
    return Holding("results", frozenset(tags), frozenset(fields), (*open_ends, *families))


def _ranking_row() -> Holding:
    group = {each.name for each in msgspec.structs.fields(RankingGroup)}
    numbers = {*_numbers(RankingRow), *(each.name for each in msgspec.structs.fields(NetScoreRow))}
    tags = frozenset({*group, *ROW_TAGS, "id", "revision"})
    return Holding("results", tags, frozenset({*numbers, "pareto", "unit"} - tags), (PLACE,))


def _part(struct: type[msgspec.Struct]) -> Holding:
    tags = {each.name for each in msgspec.structs.fields(struct)}.intersection(PART_TAGS)
    fields = {*_numbers(struct), *{each.name for each in msgspec.structs.fields(struct)}.intersection(WORDS)}
    return Holding("results", frozenset({*tags, "id", "node", "revision"}), frozenset(fields - tags))


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


SEQUENCE = _set("node", "stream", "boot")
FRAME_FIELDS = _set("body", "digest", "seq", "span", "n", "first", "missed", "tick", "no_reading")
HEALTH_FIELDS = _set(*PLAIN, "throttled", "throttle")
DOWNSAMPLED = Holding("long", SEQUENCE | {"of"}, _set(), ("",))
IN_SOAKS: tuple[type[msgspec.Struct], ...] = (Held, Drift, Change, Episode)
"""What is in `SOAK_LISTS`."""

HOLDINGS: dict[str, Holding] = {
    "power": Holding("raw", SEQUENCE, _set(), ("",)),
    "frame": Holding("raw", SEQUENCE, FRAME_FIELDS),
    "health": Holding("raw", _set("node"), HEALTH_FIELDS, tuple(f"{name}_" for name in BY_PART)),
    "batch": Holding("raw", _set("node"), _set("images", "latency_ms")),
    "pace": Holding("raw", _set(), _set("frames", "samples", "write_s", "late_s")),
    "collecting": Holding("raw", _set("writer"), _set("who", "here")),
    "power_1s": DOWNSAMPLED,
    "power_1m": DOWNSAMPLED,
    "clock": Holding("results", _set("node", "peer"), _set("offset_ns", "round_trip_ns")),
    "node": Holding("results", _set("node"), _set(*FACTS), (TOTAL,)),
    "dead": Holding(
        "results", SEQUENCE, _set("key", "topic", "reason", "seq", "body", "size", "letter", "gone")
    ),
    "ledger": Holding(
        "results", SEQUENCE, _set(*Shares._fields, "samples", "missed_ticks", "doc") - {"dead"}
    ),
    "window": _document(Result, families=(BUDGET,)),
    "ranking": _document(Ranking),
    ROW: _ranking_row(),
    "event": _document(Finding),
    "event_refused": _document(EventRefused),
    "excluded": _document(Exclusion),
    "soak": _document(Soak),
    **{f"{SOAK}{name}": _part(struct) for name, struct in zip(SOAK_LISTS, IN_SOAKS, strict=True)},
}
"""Every measurement of the store that speaks to people, by name."""
