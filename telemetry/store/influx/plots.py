"""What Grafana shows beside power: lines of clock, health and manifest frames, in numbers and plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from telemetry.contract.columns import unpack
from telemetry.contract.frames import ClockFrame, Frame, HealthFrame, ManifestFrame, MarksFrame
from telemetry.contract.manifest import ORIGINS
from telemetry.contract.marks import Batches, Work
from telemetry.contract.nodetime import NS_PER_MS, node_time_ns
from telemetry.store.influx import names
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
TOTAL = "total_"
"""Before a stream's name: which of its channels is the total of the others."""


def lasting_line(node: str, frame: Frame) -> bytes:
    """The line of a clock or manifest frame, which is kept for ever; other frames have none."""
    if isinstance(frame, ClockFrame):
        tags = b"clock,node=%b,peer=%b" % (tag(node), tag(frame.peer))
        return _line(tags, _offset(frame), frame)
    if isinstance(frame, ManifestFrame):
        return _line(b"node,node=%b" % tag(node), _facts(frame), frame)
    return b""


def batch_lines(node: str, frame: MarksFrame) -> bytes:
    """A line for each batch of images that was marked, at its end: how many images, and how long it took."""
    marked = (event for event in frame.events if isinstance(event, (Batches, Work)))
    return b"".join(line for event in marked for line in _batches(node, event, frame.anchor))


def health_line(node: str, frame: HealthFrame) -> bytes:
    """Every number of a health report, as a float field, and in `throttled` how many reasons slow it down."""
    return _line(b"health,node=%b" % tag(node), _numbers(frame), frame)


def _batches(node: str, event: Batches | Work, anchor: int) -> Iterator[bytes]:
    begins, ends = unpack("q", event.begin), unpack("q", event.end)
    for begin, end, images in zip(begins, ends, unpack("i", event.images), strict=True):
        stamp = min(max(node_time_ns(anchor, int(end)), EARLIEST), LATEST)
        latency_ms = repr((end - begin) / NS_PER_MS).encode()
        yield b"batch,node=%b images=%di,latency_ms=%b %d\n" % (tag(node), int(images), latency_ms, stamp)


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
    for stream in frame.streams:
        yield b"%b=%b" % (field(f"{TOTAL}{stream.stream}"), text(names.name(stream.total)))
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
