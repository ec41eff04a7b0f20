"""Fetches what a window needs from the store: power, manifest, clock, health, and the holes between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from analyzer.energy.facts import facts_of
from analyzer.span import Holes, Span, explain, needed, reaching, reported_end
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from telemetry.contract.frames import Frame
    from telemetry.contract.manifest import StreamInfo
    from telemetry.store.interface import Account, Place, Store

MARGIN_NS = 10 * NS_PER_S
"""Looked at around a window: room for the slowest sensor's period, its averaging and its delay."""
HEALTH_REACH_NS = 60 * NS_PER_S
"""How long a health report speaks for the device."""
CLOCK_REACH_NS = 1200 * NS_PER_S
"""How long pings speak for the clock (`analyzer.clock`)."""
NO_STREAM = "main"
"""The stream of a result where no power stream is known at all: the trial does not vanish with it."""

F = TypeVar("F", bound="Frame")


@dataclass(frozen=True)
class Power:
    """One stream's frames around a window; each comes with the shift of its times into the window's base.

    `reported`: a trial's end or the node's health reports cover this stream, so that its ledger can close.
    `absent` are the frames whose arrival would change the result, `unsure` the sequences of which nobody
    has said yet how far they go.
    """

    stream: str
    frames: tuple[tuple[int, PowerFrame], ...]
    holes: Holes
    reported: bool
    absent: tuple[tuple[StreamKey, IntervalSet], ...] = ()
    unsure: tuple[StreamKey, ...] = ()


class Metered(NamedTuple):
    """What a meter on another host says of a window, moved into the window's time base.

    `clock_u95_ns` is how far off that move may be; None: nobody could tell how the two clocks stand.
    """

    meter: str
    power: Power
    info: StreamInfo
    clock_u95_ns: int | None


@dataclass(frozen=True)
class Evidence:
    """All that a result is computed from, besides the marks. `idle` is power around each of the rests.

    Clock and health frames come with the shift of their times into the window's base, as power does.
    """

    manifest: ManifestFrame | None
    power: tuple[Power, ...]
    clock: tuple[tuple[int, ClockFrame], ...]
    health: tuple[tuple[int, HealthFrame], ...]
    idle: tuple[tuple[Power, ...], ...] = ()
    meters: tuple[Metered, ...] = ()

    @property
    def measured(self) -> tuple[Power, ...]:
        """Every stream that has a result of its own."""
        return (*self.power, *(each.power for each in self.meters))

    @property
    def watched(self) -> tuple[Power, ...]:
        """Every stream of which a frame that comes later changes a result."""
        return (*self.measured, *(power for rest in self.idle for power in rest))

    @property
    def missing(self) -> int:
        """Frames that the window waits for, be it from quarantine; a node without a manifest owes one."""
        owed = sum(power.holes.missing + power.holes.dead for power in self.measured)
        return owed + (self.manifest is None)


class _Part(NamedTuple):
    """What one boot has of one stream."""

    frames: list[PowerFrame]
    absent: IntervalSet
    holes: Holes
    reported: bool
    unsure: bool


class Archive:
    """One node's part of the store; `keys` are the sequences known of it."""

    def __init__(self, store: Store, node: str, keys: Iterable[StreamKey]) -> None:
        self._store = store
        self._node = node
        self._keys = list(keys)
        self._accounts: dict[StreamKey, Account] | None = None
        self._places: dict[StreamKey, Place] | None = None

    async def evidence(
        self,
        spans: Sequence[Span],
        owed: Mapping[StreamKey, int],
        idle: Sequence[Span] = (),
        *,
        only: str | None = None,
    ) -> Evidence:
        """Everything about a window that the store holds; `owed` is the last number that a mark gave it.

        The first span is of the boot in which the window begins; `only` one power stream may be asked for.
        """
        manifest = await self._manifest(spans[0])
        names = [only] if only else await self._power_streams(spans, manifest, owed)
        return Evidence(
            manifest=manifest,
            power=tuple([await self._power(name, spans, owed, manifest) for name in names]),
            clock=tuple(await self._frames("clock", spans, CLOCK_REACH_NS, ClockFrame)),
            health=tuple(await self._frames("health", spans, HEALTH_REACH_NS, HealthFrame)),
            idle=tuple(
                [tuple([await self._power(name, [rest], {}, manifest) for name in names]) for rest in idle]
            ),
        )

    async def places(self) -> dict[StreamKey, Place]:
        """Where each sequence of the node stands: read once, and only when no mark says it."""
        if self._places is None:
            self._places = {place.key: place for place in await self._store.places(self._node)}
        return self._places

    async def accounts(self) -> dict[StreamKey, Account]:
        """What the store holds of each sequence of the node: read once, and only when something is absent."""
        if self._accounts is None:
            self._accounts = {account.key: account for account in await self._store.accounts(self._node)}
        return self._accounts

    async def _power(
        self,
        stream: str,
        spans: Sequence[Span],
        owed: Mapping[StreamKey, int],
        manifest: ManifestFrame | None,
    ) -> Power:
        """One stream around the spans."""
        before_ns, after_ns = _reach(stream, manifest)
        parts = {}
        for at, span in enumerate(spans):
            key = StreamKey(self._node, span.boot, f"power/{stream}")
            part = await self._part(key, span.wider(before_ns, after_ns), owed.get(key), first=at == 0)
            if part is not None:
                parts[key, span.shift] = part
        return Power(
            stream=stream,
            frames=tuple((shift, frame) for (_, shift), part in parts.items() for frame in part.frames),
            holes=sum((part.holes for part in parts.values()), Holes()),
            reported=all(part.reported for part in parts.values()),
            absent=tuple((key, part.absent) for (key, _), part in parts.items() if part.absent),
            unsure=tuple(key for (key, _), part in parts.items() if part.unsure),
        )

    async def _part(self, key: StreamKey, span: Span, owed: int | None, *, first: bool) -> _Part | None:
        """One boot's share of a stream; None where a later boot has no such stream.

        Its last frame is the one a mark named, or the first one held that reaches past the end, or the last
        one that the node's reports tell of; until then one frame is missing, whatever its number.
        """
        wide = span.wider(MARGIN_NS, MARGIN_NS)
        found = await self._store.covering(key, wide.begin, wide.end)
        held = [frame for frame in found if isinstance(frame, PowerFrame)]
        through = owed if owed is not None else reaching(held, span.end)
        place = (await self.places()).get(key) if owed is None else None
        if through is None:
            through = reported_end(place, wide.end)
            if place is None and not first:
                return None
        need = needed(held, span.begin, through)
        absent = need - IntervalSet.of(frame.seq for frame in held)
        account = (await self.accounts()).get(key) if absent else None
        if account is not None and (here := absent & account.stored):
            # They came since, or hold no sample near the window.
            held += [
                frame for _, frame in await self._store.frames(key, here) if isinstance(frame, PowerFrame)
            ]
            absent -= here
        unsure = through is None
        return _Part(
            # What lies outside of the need must not show: it may not be there the next time.
            frames=[frame for frame in held if frame.seq in need],
            absent=absent,
            holes=explain(absent, account) + Holes(missing=int(unsure)),
            reported=owed is not None or (place is not None and place.report is not None),
            unsure=unsure,
        )

    async def _manifest(self, span: Span) -> ManifestFrame | None:
        """The manifest in force when the window begins; the boot's first one where it began before that."""
        at_begin = Span(span.boot, span.begin, span.begin, span.shift)
        known = [frame for _, frame in await self._frames("manifest", [at_begin], 0, ManifestFrame)]
        in_force = [manifest for manifest in known if manifest.t0 <= span.begin]
        if in_force:
            return max(in_force, key=lambda manifest: manifest.t0)
        return min(known, key=lambda manifest: manifest.t0, default=None)

    async def _power_streams(
        self, spans: Sequence[Span], manifest: ManifestFrame | None, owed: Mapping[StreamKey, int]
    ) -> list[str]:
        """The streams to integrate: those of the manifest, of the end mark, and those that came."""
        boots = {span.boot: span for span in spans}
        told = [] if manifest is None else [info.stream for info in manifest.streams]
        came = [
            key
            for key in self._of_kind("power")
            if key.boot in boots and _bare(key) not in told and await self._has_samples(key, boots[key.boot])
        ]
        return list(dict.fromkeys((*told, *map(_bare, owed), *map(_bare, came)))) or [NO_STREAM]

    async def _has_samples(self, key: StreamKey, span: Span) -> bool:
        frames = await self._store.covering(key, span.begin, span.end)
        return any(
            isinstance(f, PowerFrame) and f.samples and f.t0 <= span.end and f.last >= span.begin
            for f in frames
        )

    async def _frames(
        self, kind: str, spans: Sequence[Span], before_ns: int, type_: type[F]
    ) -> list[tuple[int, F]]:
        found: list[tuple[int, F]] = []
        for key in self._of_kind(kind):
            for span in spans:
                if span.boot == key.boot:
                    wide = span.wider(before_ns, 0)
                    held = await self._store.covering(key, wide.begin, wide.end)
                    found += [(span.shift, frame) for frame in held if isinstance(frame, type_)]
        return found

    def _of_kind(self, kind: str) -> list[StreamKey]:
        return sorted(key for key in self._keys if key.stream.startswith(f"{kind}/"))


def _reach(stream: str, manifest: ManifestFrame | None) -> tuple[int, int]:
    """How much of a trace before and after the window its energy and its edges may depend on, ns."""
    info = next((info for info in manifest.streams if info.stream == stream), None) if manifest else None
    if info is None:
        return 0, 0
    facts = facts_of(info)
    return max(facts.period_ns, facts.averaging_ns) + max(-facts.delay_ns, 0), max(facts.delay_ns, 0)


def _bare(key: StreamKey) -> str:
    return key.stream.partition("/")[2]
