"""From the results of minutes of work to the windows of a soak. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from analyzer.soak.assess import NO_FACTS, Facts
from analyzer.soak.axis import Axis, Boot
from analyzer.soak.series import NAN, Window
from telemetry.contract.documents import Latency
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak_plan import SoakPlan

REANALYZED = "reanalyzed"
"""The reason of results that were computed again by a person's wish: they tell nothing of lateness."""


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """What of the result of a minute a soak rests on: there may be tens of thousands of them."""

    begin: int
    end: int
    state: str
    stream: str
    meter: str | None = None
    leads: bool | None = None
    app: str | None = None
    model: str | None = None
    device: str | None = None
    software: str | None = None
    images: int | None = None
    j_per_1000: float | None = None
    latency_ms: Latency | None = None
    temp_c: dict[str, float] | None = None
    throttle: tuple[str, ...] | None = None
    flags: tuple[str, ...] = ()
    utc_offset_ns: int | None = None
    computed_at: int | None = None
    reason: str | None = None

    @property
    def source(self) -> str:
        """The node's own stream, or METER/STREAM of a meter on another host."""
        return f"{self.meter}/{self.stream}" if self.meter else self.stream


def results_of(results: Iterable[Minute], plan: SoakPlan) -> list[Minute]:
    """Those of the soak's application and model with a number, of the stream that leads, else the first."""
    model = plan.watch.model if plan.watch else None
    own = [
        each
        for each in results
        if each.app == plan.app and model in (None, each.model) and each.state != "invalid"
    ]
    leading = [each for each in own if each.leads]
    first = min((each.source for each in own), default=None)
    return leading or [each for each in own if each.source == first]


def with_offsets(axis: Axis, results: Sequence[Minute]) -> Axis:
    """The axis with the offset that was measured in each boot, from windows that lie in no other."""
    measured: dict[str, list[int]] = {}
    for each in results:
        lived = [boot for boot in axis.boots if boot.lives(each.begin, each.end)]
        if len(lived) == 1 and each.utc_offset_ns is not None:
            measured.setdefault(lived[0].name, []).append(each.utc_offset_ns)
    return Axis(tuple(_with_offset(boot, measured.get(boot.name)) for boot in axis.boots))


def windows_of(results: Sequence[Minute], axis: Axis) -> list[Window]:
    """The windows on the axis; a result of a time in which no boot is known to have lived has no place."""
    placed = ((axis.of_node_time(each.begin, each.end, each.utc_offset_ns), each) for each in results)
    return [_window(place, each) for place, each in placed if place is not None]


def facts_of(results: Sequence[Minute]) -> Facts:
    """What the newest result says of the node."""
    if not results:
        return NO_FACTS
    newest = max(results, key=lambda each: each.end)
    return Facts(newest.model, newest.device, newest.stream, newest.software)


def _with_offset(boot: Boot, offsets: list[int] | None) -> Boot:
    return boot._replace(offset_ns=round(median(offsets))) if offsets else boot


def _window(begin: int, result: Minute) -> Window:
    temperatures = (result.temp_c or {}).values()
    late_s = 0.0
    if result.computed_at is not None and result.reason != REANALYZED:
        late_s = (result.computed_at - begin - (result.end - result.begin)) / NS_PER_S
    return Window(
        begin=begin,
        images=result.images or 0,
        j_per_image=NAN if result.j_per_1000 is None else result.j_per_1000 / 1000,
        latency_ms=result.latency_ms.p50 if result.latency_ms else NAN,
        temp_c=max(temperatures, default=NAN),
        is_degraded=result.state == "degraded",
        throttle=result.throttle or (),
        is_frozen="frozen" in result.flags,
        late_s=late_s,
    )
