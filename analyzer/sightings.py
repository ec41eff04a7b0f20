"""Which boots of a node a stretch of node time belongs to, and which of them are its readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from analyzer.evidence import MARGIN_NS
from analyzer.span import Span, on_own_clock
from telemetry.contract.frames import PowerFrame, StreamKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.store.interface import Place, Store


class Boots(NamedTuple):
    """The window on each boot that it touches, by time. `overlap`: other boots had readings there too."""

    spans: list[Span]
    overlap: bool


Held: TypeAlias = "tuple[StreamKey, Span]"
"""A boot's stream, and the window on that boot's clock."""


class Sighting(NamedTuple):
    """From the first to the last sample of a boot that counts for a window, node time ns."""

    first: int
    last: int
    span: Span


async def boots_during(store: Store, places: Sequence[Place], begin: int, end: int) -> dict[str, Boots]:
    """For each power stream, by its bare name, the boots with readings near a window (node time ns).

    A stream without any is told of all its boots, where one of those has readings of another stream there, or
    where no stream has any.
    """
    streams: dict[str, list[Held]] = {}
    for place in places:
        kind, _, name = place.key.stream.partition("/")
        if kind == "power" and place.anchor is not None:
            span = on_own_clock(place.key.boot, place.anchor, begin, end)
            streams.setdefault(name, []).append((place.key, span))
    seen = {name: await _sightings(store, held) for name, held in streams.items()}
    awake = {sighting.span.boot for found in seen.values() for sighting in found}
    told: dict[str, Boots] = {}
    for name, held in sorted(streams.items()):
        if seen[name]:
            told[name] = choose(seen[name], begin)
        elif spans := [span for _, span in held if not awake or span.boot in awake]:
            told[name] = Boots(sorted(spans, key=lambda span: span.boot), overlap=False)
    return told


async def boots_seen(store: Store, held: Sequence[Held], begin: int) -> Boots | None:
    """The boots of one stream with readings near a window, given on the clock of each; None: there are none.

    `begin` is in the time base of the spans.
    """
    seen = await _sightings(store, held)
    return choose(seen, begin) if seen else None


async def _sightings(store: Store, held: Sequence[Held]) -> list[Sighting]:
    """Where a stream has samples near a window: those near its begin and those near its end tell."""
    found = []
    for key, span in held:
        wide = span.wider(MARGIN_NS, MARGIN_NS)
        early = await store.covering(key, wide.begin, wide.begin)
        late = await store.covering(key, wide.end, wide.end)
        samples = [f for f in (*early, *late) if isinstance(f, PowerFrame) and f.samples]
        first = min((max(f.t0, wide.begin) for f in samples if f.last >= wide.begin), default=wide.end + 1)
        last = max((min(f.last, wide.end) for f in samples if f.t0 <= wide.end), default=wide.begin - 1)
        if first <= last:
            found.append(Sighting(first + span.shift, last + span.shift, span))
    return found


def choose(sightings: Iterable[Sighting], begin: int) -> Boots:
    """The boots to take: those seen longest, and none that runs beside them. The one at `begin` comes first.

    Readings of two boots at one time are never mixed: they are of two devices under one name, or of a wall
    clock that was set back, or of two recordings.
    """
    chosen: list[Sighting] = []
    overlap = False
    for sighting in sorted(sightings, key=lambda seen: (seen.first - seen.last, seen.span.boot)):
        same = [held for held in chosen if held.span == sighting.span]
        beside = [held for held in chosen if held.first <= sighting.last and sighting.first <= held.last]
        if beside and not same:
            overlap = True
        elif not same:
            chosen.append(sighting)
    chosen.sort(key=lambda seen: (seen.last < begin, seen.first, seen.span.boot))
    return Boots([seen.span for seen in chosen], overlap)
