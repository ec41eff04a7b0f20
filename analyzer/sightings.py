"""Which boots of a node a stretch of node time belongs to, and which of them are its readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from analyzer.evidence import MARGIN_NS
from analyzer.span import Span, on_own_clock
from telemetry.contract.frames import PowerFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.store.interface import Account, Store


class Boots(NamedTuple):
    """The window on each boot that it touches, by time. `overlap`: other boots had readings there too."""

    spans: list[Span]
    overlap: bool


class Sighting(NamedTuple):
    """From the first to the last sample of a boot that counts for a window, node time ns."""

    first: int
    last: int
    span: Span


async def boots_during(store: Store, accounts: Sequence[Account], begin: int, end: int) -> Boots:
    """The boots with power near a window (node time ns); all with power, where none has any near."""
    placed = {account.key: account.anchor for account in accounts if account.anchor is not None}
    power = {key: anchor for key, anchor in placed.items() if key.stream.startswith("power/")}
    sightings = []
    for key, anchor in power.items():
        span = on_own_clock(key.boot, anchor, begin, end)
        wide = span.wider(MARGIN_NS, MARGIN_NS)
        early = await store.covering(key, wide.begin, wide.begin)
        late = await store.covering(key, wide.end, wide.end)
        samples = [f for f in (*early, *late) if isinstance(f, PowerFrame) and f.samples]
        first = min((max(f.t0, wide.begin) for f in samples if f.last >= wide.begin), default=wide.end + 1)
        last = max((min(f.last, wide.end) for f in samples if f.t0 <= wide.end), default=wide.begin - 1)
        if first <= last:
            sightings.append(Sighting(first + anchor, last + anchor, span))
    if sightings:
        return choose(sightings, begin)
    spans = {
        key.boot: on_own_clock(key.boot, anchor, begin, end) for key, anchor in (power or placed).items()
    }
    return Boots([spans[boot] for boot in sorted(spans)], overlap=False)


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
