"""Fetches what a window needs from the store: power, manifest, clock, health, and the holes between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from analyzer.span import Holes, Span, explain, needed
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.units import MAX_SEQ

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from telemetry.contract.frames import Frame
    from telemetry.store.interface import Account, Store

MARGIN_NS = 10 * NS_PER_S
"""Looked at around a window: room for the slowest sensor's period, its averaging and its delay."""
CLOCK_MARGIN_NS = 300 * NS_PER_S

F = TypeVar("F", bound="Frame")


@dataclass(frozen=True)
class Power:
    """One stream's frames around a window; each comes with the shift of its times into the window's base.

    `reported`: the node's own health reports cover this stream, so that its ledger can close.
    """

    stream: str
    frames: tuple[tuple[int, PowerFrame], ...]
    holes: Holes
    reported: bool


@dataclass(frozen=True)
class Evidence:
    """All that a result is computed from, besides the marks. `idle` is power around the idle window."""

    manifest: ManifestFrame | None
    power: tuple[Power, ...]
    clock: tuple[ClockFrame, ...]
    health: tuple[HealthFrame, ...]
    idle: tuple[Power, ...] = ()

    @property
    def missing(self) -> int:
        """Power frames that may still come, be it from quarantine."""
        return sum(power.holes.missing + power.holes.dead for power in self.power)


class Archive:
    """One node's part of the store; `keys` are the sequences known of it."""

    def __init__(self, store: Store, node: str, keys: Iterable[StreamKey]) -> None:
        self._store = store
        self._node = node
        self._keys = list(keys)
        self._accounts: dict[StreamKey, Account] | None = None

    async def evidence(
        self, spans: Sequence[Span], through: Mapping[StreamKey, int], idle: Span | None = None
    ) -> Evidence:
        """Everything about a window that the store holds; `through` is the last number a sequence owes."""
        manifest = await self._manifest(spans[0])
        names = self._power_streams(spans, manifest)
        return Evidence(
            manifest=manifest,
            power=tuple([await self._power(name, spans, through) for name in names]),
            clock=tuple(await self._frames("clock", spans, CLOCK_MARGIN_NS, ClockFrame)),
            health=tuple(await self._frames("health", spans, 0, HealthFrame)),
            idle=tuple([await self._power(name, [idle], None) for name in names]) if idle else (),
        )

    async def accounts(self) -> dict[StreamKey, Account]:
        """What the store holds of each sequence of the node: read once, and only when something is absent."""
        if self._accounts is None:
            self._accounts = {account.key: account for account in await self._store.accounts(self._node)}
        return self._accounts

    async def _power(
        self, stream: str, spans: Sequence[Span], through: Mapping[StreamKey, int] | None
    ) -> Power:
        """One stream around the spans; without `through` nobody asks what is absent."""
        found: list[tuple[int, PowerFrame]] = []
        holes, reported = Holes(), True
        for span in spans:
            key = StreamKey(self._node, span.boot, f"power/{stream}")
            wide = span.around(MARGIN_NS)
            held = [
                f for f in await self._store.covering(key, wide.begin, wide.end) if isinstance(f, PowerFrame)
            ]
            last = through.get(key, MAX_SEQ) if through is not None else MAX_SEQ
            # What comes after the last frame that is owed must not show: it may not be there the next time.
            held = [frame for frame in held if frame.seq <= last]
            found += [(span.shift, frame) for frame in held]
            if through is None:
                continue
            absent = needed(held, span, through.get(key)) - IntervalSet.of(frame.seq for frame in held)
            if absent or key not in through:
                account = (await self.accounts()).get(key)
                holes += explain(absent, account)
                reported = reported and account is not None and account.report is not None
        return Power(stream, tuple(found), holes, reported)

    async def _manifest(self, span: Span) -> ManifestFrame | None:
        """The manifest in force when the window begins."""
        known = await self._frames("manifest", [Span(span.boot, span.begin, span.begin, 0)], 0, ManifestFrame)
        in_force = [manifest for manifest in known if manifest.t0 <= span.begin]
        return max(in_force, key=lambda manifest: manifest.t0, default=None)

    def _power_streams(self, spans: Sequence[Span], manifest: ManifestFrame | None) -> list[str]:
        """The streams to integrate: those of the manifest, or those that came where there is none."""
        if manifest is not None:
            return [info.stream for info in manifest.streams]
        boots = {span.boot for span in spans}
        return [_bare(key) for key in self._of_kind("power") if key.boot in boots]

    async def _frames(self, kind: str, spans: Sequence[Span], margin_ns: int, type_: type[F]) -> list[F]:
        found: list[F] = []
        for key in self._of_kind(kind):
            for span in spans:
                if span.boot == key.boot:
                    wide = span.around(margin_ns)
                    held = await self._store.covering(key, wide.begin, wide.end)
                    found += [frame for frame in held if isinstance(frame, type_)]
        return found

    def _of_kind(self, kind: str) -> list[StreamKey]:
        return sorted(key for key in self._keys if key.stream.startswith(f"{kind}/"))


def _bare(key: StreamKey) -> str:
    return key.stream.partition("/")[2]
