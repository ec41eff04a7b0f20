"""The power of a Jetson's module, from its rails: found by name, never by path.

Which rail is the total is a matter of the board (`boards.py`). The carrier board is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import msgspec

from edge_node.power.jetson import hwmon, iio
from edge_node.power.jetson.boards import Layout, layout_of, shunt_ohm
from edge_node.power.jetson.ina3221 import GAIN_UNCERTAINTY, Rail, offset_u_w, step_w, together
from edge_node.power.sensor import Found, Held, SensorError, SensorSpec, read_options
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS

# Where the system does not tell: about one conversion of all channels without averaging.
PERIOD_MS = 7.0
SUM = "total"

# A slow chip is asked ten times for each new value: more often costs the bus's time and tells nothing.
_ASKED_A_PERIOD = 10


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`root` is where the file system begins. `rail` is measured alone, such as VDD_MUX, the carrier."""

    root: str = "/"
    rail: str | None = None


class JetsonSensor:
    """The total first, then its parts. A part that cannot be read is NaN while the others live."""

    counter_every_s = 0.0

    def __init__(self, options: Options, stream: str = "main") -> None:
        rails = open_rails(Path(options.root))
        layout = layout_of(set(rails))
        try:
            self._rails, self._summed = _chosen(rails, layout, options)
            self.info = _info(self._rails, layout, stream, summed=self._summed)
        except SensorError:
            _close(rails.values())
            raise
        _close(rail for rail in rails.values() if rail not in self._rails)
        self._held = Held(self._ask, round(self.info.period_ms * NS_PER_MS / _ASKED_A_PERIOD))

    def __repr__(self) -> str:
        return f"JetsonSensor({', '.join(self.info.channels)})"

    def read(self, t_ns: int) -> list[float]:
        return self._held.read(t_ns)

    def counters_j(self) -> None:
        """The chips count no energy."""

    def close(self) -> None:
        """Closes every rail's files."""
        _close(self._rails)

    def _ask(self) -> list[float]:
        watts: list[float] = []
        error: SensorError | None = None
        for rail in self._rails:
            try:
                watts.append(rail.read_w())
            except SensorError as failed:
                error = failed
                watts.append(math.nan)
        if error is not None and all(map(math.isnan, watts)):
            raise error
        return [sum(watts), *watts] if self._summed else watts


def open_rails(root: Path) -> dict[str, Rail]:
    """Every rail there is, by name, of either driver."""
    rails: dict[str, Rail] = {}
    for rail in chain(iio.rails(root), hwmon.rails(root)):
        if rails.setdefault(rail.name, rail) is not rail:
            rail.close()
    return rails


def open_sensor(spec: SensorSpec, tick_s: float) -> JetsonSensor:
    """The module's rails. Raises `SensorError` where there are none, or none is known as a total."""
    del tick_s
    return JetsonSensor(read_options(spec, Options), spec.stream)


def find(root: Path) -> Found:
    """Taken where the rails are those of a known board."""
    try:
        sensor = JetsonSensor(Options(root=str(root)))
    except SensorError as error:
        return Found("jetson", None, str(error))
    sensor.close()
    total, *parts = sensor.info.channels
    layout = layout_of({total, *parts})
    named = ", ".join(parts)
    whole = f"the sum of {named}" if total == SUM else f"{total}, with its parts {named}" if parts else total
    boards = layout.boards if layout else "Jetson"
    reason = f"{boards}: the module's power is {whole}; the carrier board is not in it"
    return Found("jetson", SensorSpec("jetson", options={"root": str(root)}), reason)


def _chosen(rails: dict[str, Rail], layout: Layout | None, options: Options) -> tuple[list[Rail], bool]:
    """The rails to read, and whether their sum is the total; else the first of them is."""
    if not rails:
        root = Path(options.root)
        raise SensorError(f"no INA3221 below {root / iio.DRIVER} or {root / hwmon.HWMON}")
    there = ", ".join(rails)
    if options.rail is not None:
        if options.rail not in rails:
            raise SensorError(f"no rail {options.rail!r}; there are: {there}")
        return [rails[options.rail]], False
    if layout is None:
        raise SensorError(f"no rail is known as this board's total; there are: {there}; name one (rail = …)")
    total = [rails[layout.total]] if layout.total else []
    return [*total, *(rails[name] for name in layout.parts)], layout.total is None


def _info(rails: list[Rail], layout: Layout | None, stream: str, *, summed: bool) -> StreamInfo:
    """Raises `SensorError` where the total cannot be read: without it the parts say nothing of the module."""
    names = tuple(rail.name for rail in rails)
    known = [rail.update_ms for rail in rails if rail.update_ms]
    period_ms = max(known, default=PERIOD_MS)
    whole = rails if summed else rails[:1]
    for rail in whole:
        rail.read_w()
    scales = [_scale(rail, layout) for rail in whole]
    told = [scale for scale in scales if scale]
    is_told = len(told) == len(scales)
    return StreamInfo(
        stream=stream,
        sensor="jetson",
        channels=(SUM, *names) if summed else names,
        total=SUM if summed else names[0],
        # A rail that someone named is beside the total of a board that we know, not in its place.
        role="device" if summed or layout is None or names[0] == layout.total else "part",
        origin="measured",
        period_ms=period_ms,
        averaging_window_ms=max(known) if known else None,
        # Half of what is averaged, and half a period of holding.
        delay_ms=(max(known, default=0.0) + period_ms) / 2,
        holds=True,
        resolution_w=together(step_w(*scale) for scale in told) if is_told else None,
        gain_uncertainty=GAIN_UNCERTAINTY,
        offset_w_uncertainty=together(offset_u_w(*scale) for scale in told) if is_told else None,
        max_w=layout.max_w if layout else None,
    )


def _scale(rail: Rail, layout: Layout | None) -> tuple[float, float] | None:
    """The volts on the rail and its shunt in ohms: as the system says, else as the board's design does."""
    ohm = rail.shunt_ohm or shunt_ohm(rail.name, layout)
    return (rail.volts.read() * 1e-3, ohm) if ohm else None


def _close(rails: Iterable[Rail]) -> None:
    for rail in rails:
        rail.close()
