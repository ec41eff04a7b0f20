"""A meter on another host: its readings laid over a device's window, through the clock models of both.

Which meter hangs at which device is a person's word (`MeterJoin`), kept in the store like every document.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from analyzer.circumstances import utc_offset
from analyzer.clock import Offset, offset_at
from analyzer.evidence import CLOCK_REACH_NS, Archive, Evidence, Metered, Power
from analyzer.revisions import put_next
from analyzer.sightings import boots_seen
from analyzer.span import Holes, Span
from telemetry.contract.documents import MeterJoin
from telemetry.contract.frames import ClockFrame, Exchange, StreamKey
from telemetry.contract.manifest import StreamInfo
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.store.interface import Place, Store

KIND = "meter"


class _Edges(NamedTuple):
    """A window in the device's node time (ns), and how UTC stands to that; None: nobody could tell."""

    begin: int
    end: int
    offset: Offset | None

    @property
    def middle(self) -> int:
        return (self.begin + self.end) // 2


async def read_meters(store: Store) -> dict[str, tuple[MeterJoin, ...]]:
    """The meters that are joined now, by the node whose device they measure."""
    joined: dict[str, tuple[MeterJoin, ...]] = {}
    for join in await read_joins(store):
        if join.joined:
            joined[join.of] = (*joined.get(join.of, ()), join)
    return joined


async def read_joins(store: Store) -> list[MeterJoin]:
    """The last word on every meter that was ever joined."""
    return [msgspec.json.decode(revision.doc, type=MeterJoin) for revision in await store.latest(KIND)]


async def put_join(store: Store, join: MeterJoin) -> bool:
    """Stores a person's word; False where it was the last word already."""
    name = f"{join.meter}/{join.stream}"
    held = {revision.id: revision for revision in await store.latest(KIND)}.get(name)
    said = Revision(kind=KIND, id=name, revision=1, node=join.meter, doc=msgspec.json.encode(join))
    return await put_next(store, said, held) is not None


async def with_meters(
    store: Store, joins: Sequence[MeterJoin], evidence: Evidence, begin: int, end: int
) -> Evidence:
    """The evidence of a device's window (node time ns), and what each of its meters says of it."""
    if not joins:
        return evidence
    edges = _Edges(begin, end, utc_offset(evidence, begin, end))
    return replace(evidence, meters=tuple([await _metered(store, join, edges) for join in joins]))


async def _metered(store: Store, join: MeterJoin, edges: _Edges) -> Metered:
    places = await store.places(join.meter)
    placed = [await _placed(store, place, places, join, edges) for place in places if _is_of(place, join)]
    known = {span.boot: u95_ns for span, u95_ns in placed}
    held = [(StreamKey(join.meter, span.boot, f"power/{join.stream}"), span) for span, _ in placed]
    boots = await boots_seen(store, held, edges.begin)
    spans = boots.spans if boots else [span for _, span in held[-1:]]
    if not spans:
        unheard = StreamKey(join.meter, "", f"power/{join.stream}")
        nothing = Power(join.stream, (), Holes(missing=1), reported=False, unsure=(unheard,))
        return Metered(join.meter, nothing, _info(join), None)
    archive = Archive(store, join.meter, [place.key for place in places])
    evidence = await archive.evidence(spans, {}, only=join.stream)
    told = evidence.manifest.streams if evidence.manifest else ()
    info = next((info for info in told if info.stream == join.stream), None)
    u95s = [known[span.boot] for span in spans]
    clock_u95_ns = None if None in u95s else max(u95 for u95 in u95s if u95 is not None)
    return Metered(join.meter, evidence.power[0], info or _info(join), clock_u95_ns)


def _is_of(place: Place, join: MeterJoin) -> bool:
    return place.key.stream == f"power/{join.stream}" and place.anchor is not None


async def _placed(
    store: Store, place: Place, places: Sequence[Place], join: MeterJoin, edges: _Edges
) -> tuple[Span, int | None]:
    """The window on the clock of one of the meter's boots, and how far off that may be (ns, 95 %)."""
    anchor = place.anchor or 0
    utc = edges.offset.offset_ns if edges.offset else 0
    pings = [other.key for other in places if other.key.boot == place.key.boot and _is_clock(other.key)]
    own = await _offset(store, pings, anchor, edges.begin + utc, edges.middle + utc)
    shift = anchor + (own.offset_ns if own else 0) - utc
    span = Span(place.key.boot, edges.begin - shift, edges.end - shift, shift)
    if edges.offset is None:
        return span, None
    # The offsets hold in the middle; at the edges both clocks have drifted from it for half the window.
    half_s = (edges.end - edges.begin) / 2e9
    drifted_ns = half_s * 1e3 * (_drift_ppm(edges.offset) + (_drift_ppm(own) if own else 0.0))
    u95_ns = edges.offset.u95_ns + (own.u95_ns if own else join.clock_u95_ns)
    return span, u95_ns + round(drifted_ns)


def _drift_ppm(offset: Offset) -> float:
    return abs(offset.drift_ppm) + offset.drift_u95_ppm


def _is_clock(key: StreamKey) -> bool:
    return key.stream.startswith("clock/")


async def _offset(
    store: Store, pings: Sequence[StreamKey], anchor: int, until: int, at: int
) -> Offset | None:
    """UTC minus the meter's node time at the UTC `at`, by pings that were over `until`; None: it never asked.

    Whatever its clock says, its nearest exchange tells about when that was; then those before it count.
    """
    near = await _exchanges(store, pings, until - anchor, until - anchor)
    if not near:
        return None
    ahead = near[0].t2 - near[0].t1
    around = await _exchanges(store, pings, until - ahead - CLOCK_REACH_NS, until - ahead)
    before = [each for each in around if each.t4 + ahead <= until]
    found = offset_at(before or around, at - ahead)
    return replace(found, offset_ns=found.offset_ns - anchor) if found else None


async def _exchanges(store: Store, keys: Sequence[StreamKey], begin: int, end: int) -> list[Exchange]:
    frames = [frame for key in keys for frame in await store.covering(key, begin, end)]
    return [each for frame in frames if isinstance(frame, ClockFrame) for each in frame.exchanges]


def _info(join: MeterJoin) -> StreamInfo:
    """The sensor of a meter that has no manifest, as far as a person told."""
    return StreamInfo(
        stream=join.stream,
        sensor="meter",
        channels=("total",),
        total="total",
        origin=join.origin,
        period_ms=0.0,
        role="external",
        gain_uncertainty=join.gain_uncertainty,
        offset_w_uncertainty=join.offset_w_uncertainty,
        resolution_w=join.resolution_w,
        averaging_window_ms=join.averaging_window_ms,
    )
