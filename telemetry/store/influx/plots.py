"""What Grafana shows beside power: lines of clock, health and manifest frames, in numbers and plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from telemetry.contract.frames import ClockFrame, Frame, HealthFrame, ManifestFrame
from telemetry.contract.manifest import ORIGINS
from telemetry.contract.nodetime import node_time_ns
from telemetry.store.influx.names import EARLIEST, LATEST, field, tag, text

PLAIN = ("fan_rpm", "mem_used_mib", "spool_bytes", "agent_cpu_s", "agent_rss_mib")
BY_PART = ("temp_c", "clock_mhz", "util")
FACTS = (
    "boot",
    "os_boot",
    "device",
    "model",
    "power_mode",
    "os",
    "jetpack",
    "driver",
    "software",
    "manifest",
    "origin",
)
"""What is told of a node, from its manifest."""


def lasting_line(node: str, frame: Frame) -> bytes:
    """The line of a clock or manifest frame, which is kept for ever; other frames have none."""
    if isinstance(frame, ClockFrame):
        tags = b"clock,node=%b,peer=%b" % (tag(node), tag(frame.peer))
        return _line(tags, _offset(frame), frame)
    if isinstance(frame, ManifestFrame):
        return _line(b"node,node=%b" % tag(node), _facts(frame), frame)
    return b""


def health_line(node: str, frame: HealthFrame) -> bytes:
    """Every number of a health report, as a float field, and in `throttled` how many reasons slow it down."""
    return _line(b"health,node=%b" % tag(node), _numbers(frame), frame)


def _numbers(frame: HealthFrame) -> Iterator[bytes]:
    for name in PLAIN:
        yield from _number(name, getattr(frame, name))
    for name in BY_PART:
        for part, value in (getattr(frame, name) or {}).items():
            yield from _number(f"{name}_{part}", value)
    if frame.throttle is not None:
        yield from _number("throttled", len(frame.throttle))
        yield b"throttle=%b" % text(", ".join(frame.throttle))


def _offset(frame: ClockFrame) -> Iterator[bytes]:
    """UTC less node time by the exchange that was fastest, and how long that one took, ns."""
    trips = [(e.t4 - e.t1 - (e.t3 - e.t2), e) for e in frame.exchanges]
    if trips:
        trip_ns, best = min(trips, key=lambda trip: trip[0])
        sent, came = node_time_ns(frame.anchor, best.t1), node_time_ns(frame.anchor, best.t4)
        yield from _number("offset_ns", ((best.t2 - sent) + (best.t3 - came)) / 2)
        yield from _number("round_trip_ns", trip_ns)


def _facts(frame: ManifestFrame) -> Iterator[bytes]:
    device = frame.device
    best = min((stream.origin for stream in frame.streams), key=ORIGINS.index, default=None)
    values = (
        frame.boot,
        frame.os_boot,
        device.kind,
        device.model,
        frame.power_mode,
        frame.os,
        frame.jetpack,
        frame.driver,
        frame.software,
        frame.hash,
        best,
    )
    for name, value in zip(FACTS, values, strict=True):
        if value is not None:
            yield b"%b=%b" % (field(name), text(value))


def _number(name: str, value: float | None) -> Iterator[bytes]:
    """Always a float: a field that is a whole number once and a fraction later is refused by the server."""
    if value is not None and math.isfinite(value):
        yield b"%b=%b" % (field(name), repr(float(value)).encode())


def _line(tags: bytes, fields: Iterable[bytes], frame: Frame) -> bytes:
    """No line where there is no field."""
    said = b",".join(fields)
    stamp = min(max(node_time_ns(frame.anchor, frame.t0), EARLIEST), LATEST)
    return b"%b %b %d\n" % (tags, said, stamp) if said else b""
