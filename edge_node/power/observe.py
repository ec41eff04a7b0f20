"""What a sensor shows of itself when it is read for a second: how often it is renewed, and in which steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from math import gcd, isfinite
from statistics import median
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from edge_node.power.sensor import Sensor, SensorError, SensorSpec, read_options
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS, to_ns

_POLL_S = 0.0002
_ENOUGH_CHANGES = 21
# Of fewer values the common step says more of chance than of the sensor.
_LEAST_STEPS = 5
_MICRO = 1e6
# More than any sensor is slow or any board draws, and less than infinite.
_MOST = 1e9

Limited = Annotated[float, Meta(ge=0, le=_MOST)]


class Observed(NamedTuple):
    """How often the value changes, and the step that all its changes are multiples of; None: not seen."""

    period_ms: float | None
    step_w: float | None


def observe(
    sensor: Sensor,
    within_s: float = 1.0,
    clock: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Observed:
    """Reads the sensor as fast as it goes, for at most `within_s`. A sensor that fails shows nothing.

    A load that stands perfectly still looks like a slow sensor, so the period is an upper bound; the step is
    one too. A counter that must be read seldom is not read.
    """
    counts = not sensor.counter_every_s
    changes: list[int] = []
    totals: list[float] = []
    before: list[float] | None = None
    at = sensor.info.channels.index(sensor.info.total)
    begin = now = clock()
    while now - begin < to_ns(within_s) and len(changes) < _ENOUGH_CHANGES:
        try:
            watts = list(sensor.read(now))
        except SensorError:
            return Observed(None, None)
        value = list((counts and sensor.counters_j()) or watts)
        if before is not None and value != before:
            changes.append(now)
        before = value
        totals.append(watts[at])
        sleep(_POLL_S)
        now = clock()
    gaps = [later - sooner for sooner, later in pairwise(changes)]
    return Observed(median(gaps) / NS_PER_MS if gaps else None, common_step_w(totals))


def common_step_w(watts: list[float]) -> float | None:
    """The largest step in µW that all differences are multiples of; None where too few differ."""
    micro = [round(value * _MICRO) for value in watts if isfinite(value)]
    steps = {abs(later - sooner) for sooner, later in pairwise(micro)} - {0}
    return gcd(*steps) / _MICRO if len(steps) >= _LEAST_STEPS else None


def refined(info: StreamInfo, observed: Observed) -> StreamInfo:
    """The manifest's entry with what was observed.

    A step that the hardware is known to have is not undercut: a product of two coarse numbers has fine steps
    and knows no more than they do.
    """
    if observed.period_ms is not None:
        info = with_period(info, observed.period_ms)
    if observed.step_w is not None:
        info = msgspec.structs.replace(info, resolution_w=max(observed.step_w, info.resolution_w or 0.0))
    return info


def with_period(info: StreamInfo, period_ms: float) -> StreamInfo:
    """The manifest's entry with another period; a held value is half of it old when read."""
    delay_ms = info.delay_ms + (period_ms - info.period_ms) / 2 if info.holds else info.delay_ms
    return msgspec.structs.replace(info, period_ms=period_ms, delay_ms=delay_ms)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a user knows of a sensor better than its driver, as options of any driver.

    `e3p doctor --characterise` measures the first three; a comparison with a meter gives the next two.
    """

    period_ms: Annotated[float, Meta(gt=0, le=_MOST)] | None = None
    averaging_window_ms: Limited | None = None
    delay_ms: Limited | None = None
    gain_uncertainty: Limited | None = None
    offset_w_uncertainty: Limited | None = None
    min_w: Limited | None = None
    max_w: Limited | None = None

    def over(self, info: StreamInfo) -> StreamInfo:
        """The manifest's entry with these figures in place of others."""
        if self.period_ms is not None:
            info = with_period(info, self.period_ms)
        stated = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(info, **stated)


def split_figures(spec: SensorSpec) -> tuple[SensorSpec, Figures]:
    """The spec with the driver's own options, and what its user knows better. Raises `UserError`."""
    names = Figures.__struct_fields__
    mine = {name: value for name, value in spec.options.items() if name in names}
    others = {name: value for name, value in spec.options.items() if name not in names}
    figures = read_options(msgspec.structs.replace(spec, options=mine), Figures)
    return msgspec.structs.replace(spec, options=others), figures
