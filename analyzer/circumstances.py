"""Under which circumstances a window ran: how the device fared, and what its clock was worth. Pure."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from msgspec import msgpack, structs

from analyzer.clock import Offset, offset_at
from analyzer.evidence import HEALTH_REACH_NS
from telemetry.contract.documents import Flag

if TYPE_CHECKING:
    from analyzer.evidence import Evidence
    from telemetry.contract.frames import Exchange, HealthFrame
    from telemetry.contract.marks import TrialBegin

CLOCK_BAD_NS = 300 * 1_000_000_000
# Two pings that a second or more of suspension lies between contradict each other by as much.
SUSPENDED_NS = 1_000_000_000
HASH_LETTERS = 16


def context_hash(manifest_hash: str | None, opening: TrialBegin) -> str | None:
    """One name for all that stays the same while trials can be compared.

    That is the manifest's hash, libraries, accelerator, threads, and where the weights came from: the first
    16 hexadecimal letters of SHA-256 over the MessagePack list of these five, libraries as a list of
    [name, version] by name. None where neither manifest nor context is known.
    """
    context = opening.context
    if manifest_hash is None and context is None:
        return None
    libraries = sorted((context.libraries or {}).items()) if context else []
    more = [context.accelerator, context.threads] if context else [None, None]
    weights = opening.protocol.weights if opening.protocol else None
    told = msgpack.encode([manifest_hash, libraries, *more, weights])
    return hashlib.sha256(told).hexdigest()[:HASH_LETTERS]


def health_of(frames: tuple[tuple[int, HealthFrame], ...], begin: int, end: int) -> dict[str, Any]:
    """Temperature and throttling as last reported before the end; the agent's own share of the processor."""
    told = sorted(
        ((shift + frame.t0, frame) for shift, frame in frames), key=lambda report: (report[0], report[1].seq)
    )
    inside = [frame for at, frame in told if begin <= at <= end]
    before = [frame for at, frame in told if begin - HEALTH_REACH_NS <= at < begin][-1:]
    speaking = [*before, *inside]
    if not speaking:
        return {}
    throttled = {what for frame in inside or before for what in frame.throttle or ()}
    return {
        "temp_c": _known(speaking[-1].temp_c),
        "throttle": tuple(sorted(throttled)) or None,
        "agent_cpu_s": _spent_s(speaking),
    }


def _known(temp_c: dict[str, float] | None) -> dict[str, float] | None:
    """The temperatures that are numbers: what a sensor could not tell is absent."""
    return {name: value for name, value in (temp_c or {}).items() if isfinite(value)} or None


def _spent_s(reports: list[HealthFrame]) -> float | None:
    """Processor seconds of the agent from the first report to the last; each boot counts from 0."""
    spent: dict[str, list[float]] = {}
    for frame in reports:
        if frame.agent_cpu_s is not None:
            spent.setdefault(frame.boot, []).append(frame.agent_cpu_s)
    parts = [told[-1] - told[0] for told in spent.values() if len(told) > 1]
    return sum(parts) if parts else None


def utc_offset(evidence: Evidence, begin: int, end: int) -> Offset | None:
    """UTC minus node time in the middle of the window.

    Only frames that were full before the begin count: a later one may not be stored when this is computed.
    """
    return offset_at(_exchanges(evidence, begin), (begin + end) // 2)


def clock_of(evidence: Evidence, begin: int, end: int) -> dict[str, Any]:
    """Where the node's clock stood against UTC in the middle of the window, when pings told."""
    offset = utc_offset(evidence, begin, end)
    if offset is None:
        return {"clock_bad": None}
    return {
        "utc_offset_ns": offset.offset_ns,
        "utc_offset_u95_ns": offset.u95_ns,
        "clock_bad": abs(offset.offset_ns) > CLOCK_BAD_NS,
    }


def clock_flags(evidence: Evidence, begin: int, end: int, *, bad: bool) -> tuple[Flag, ...]:
    """What the node's clock says against the window.

    The monotonic clock stands still while a device is suspended, so UTC runs ahead of it all at once.
    """
    exchanges = sorted(_exchanges(evidence, end), key=lambda exchange: exchange.t1)
    suspended = any(
        after.t3 - after.t4 > before.t2 - before.t1 + SUSPENDED_NS and after.t4 > begin and before.t1 < end
        for before, after in pairwise(exchanges)
    )
    told: dict[Flag, bool] = {"clock_bad": bad, "suspended": suspended}
    return tuple(flag for flag, holds in told.items() if holds)


def _exchanges(evidence: Evidence, until: int) -> list[Exchange]:
    """The exchanges of the frames that were over by `until`, in the window's time base."""
    moved = [
        [structs.replace(each, t1=each.t1 + shift, t4=each.t4 + shift) for each in frame.exchanges]
        for shift, frame in evidence.clock
    ]
    return [each for frame in moved if all(each.t4 <= until for each in frame) for each in frame]
