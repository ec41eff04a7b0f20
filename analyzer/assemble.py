"""From evidence to results: pure, so that the same stored frames always give the same documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from analyzer.clock import offset_at
from analyzer.energy.facts import SensorFacts, facts_of
from analyzer.energy.trace import Piece, Trace, join
from analyzer.energy.window import Known, WindowEnergy, measure
from analyzer.work import Accuracy, Work, accuracy_of, marks_are_whole, work_of
from telemetry.contract.columns import unpack
from telemetry.contract.documents import BudgetLine, Reason, Result

if TYPE_CHECKING:
    from analyzer.evidence import Evidence, Power
    from analyzer.notebook import Trial
    from telemetry.contract.frames import HealthFrame, PowerFrame
    from telemetry.contract.manifest import StreamInfo

CLOCK_BAD_NS = 300 * 1_000_000_000
INT32, INT64, FLOAT32 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f4")


def trial_results(trial: Trial, evidence: Evidence, *, overlaps: bool) -> list[Result]:
    """The results of an ended trial, one for each power stream."""
    assert trial.end is not None  # noqa: S101 - only ended trials have a window
    begin = trial.begin.time
    end = begin + max(trial.end.event.t - trial.begin.event.t, 1)
    work = work_of(trial)
    reasons = _those_that_hold(
        {
            "aborted": trial.closing is not None and trial.closing.status == "aborted",
            "marks_missing": not marks_are_whole(trial, work),
            "overlap": overlaps,
        }
    )
    shift = trial.begin.time - trial.begin.event.t
    results = []
    for power in evidence.power:
        known = Known(
            idle_w=_idle_w(trial, power.stream, evidence),
            batch_begin_ns=work.begin_ns + shift,
            reasons=(*reasons, *_reasons(power, evidence)),
        )
        measured, common = _measured(trial.node, trial.opening.trial, power, evidence, (begin, end), known)
        results.append(Result(kind="trial", **common, **_of_trial(trial, work, measured)))
    return results


def interval_results(node: str, begin: int, end: int, evidence: Evidence) -> list[Result]:
    """The results of any window of a node, one for each power stream."""
    results = []
    for power in evidence.power:
        extra: tuple[Reason, ...] = () if power.reported else ("no_ledger",)
        known = Known(reasons=(*extra, *_reasons(power, evidence)))
        _, common = _measured(node, f"{node}/{begin}/{end}", power, evidence, (begin, end), known)
        results.append(Result(kind="interval", **common))
    return results


def _measured(
    node: str, window: str, power: Power, evidence: Evidence, edges: tuple[int, int], known: Known
) -> tuple[WindowEnergy, dict[str, Any]]:
    """The energy of one stream's window, and the fields that every kind of result shares."""
    begin, end = edges
    info = _info(evidence, power.stream)
    clock = _clock(evidence, begin, end)
    if clock["clock_bad"]:
        known = replace(known, flags=(*known.flags, "clock_bad"))
    measured = measure(_trace(power, info), facts_of(info) if info else SensorFacts(), begin, end, known)
    return measured, {
        "node": node,
        "window": window,
        "stream": power.stream,
        "begin": begin,
        "end": end,
        **_context(evidence, info),
        **_energy(measured),
        **_health(evidence.health, begin, end),
        **clock,
    }


def _trace(power: Power, info: StreamInfo | None) -> Trace:
    """The stream's readings in the window's time base; its total is the manifest's, or the best guess."""
    names = power.frames[0][1].ch if power.frames else ()
    total = info.total if info and info.total in names else "total"
    column = names.index(total) if total in names else 0
    frames = [(shift, frame) for shift, frame in power.frames if frame.ch == names]
    parts = [at for at in range(len(names)) if at != column]
    return join((_piece(shift, frame, column) for shift, frame in frames), column, parts)


def _piece(shift: int, frame: PowerFrame, column: int) -> Piece:
    watts = np.frombuffer(frame.w, FLOAT32).reshape(-1, len(frame.ch))
    offsets = np.frombuffer(frame.dt, INT64 if len(frame.dt) == 8 * len(watts) else INT32)
    counters = unpack("d", frame.counter_j) if frame.counter_j else None
    return Piece(
        t0_ns=frame.t0 + shift,
        times_ns=np.add(offsets, frame.t0 + shift, dtype=np.int64),
        watts=watts,
        tick_ns=frame.tick,
        missed=frame.missed,
        counter_j=counters[column] if counters else None,
    )


def _idle_w(trial: Trial, stream: str, evidence: Evidence) -> float | None:
    """Mean power of the idle window, where one was marked and its readings can be believed."""
    power = next((power for power in evidence.idle if power.stream == stream), None)
    if power is None or trial.idle is None:
        return None
    info = _info(evidence, stream)
    shift = trial.idle.time - trial.idle.end
    facts = facts_of(info) if info else SensorFacts()
    idle = measure(_trace(power, info), facts, trial.idle.begin + shift, trial.idle.end + shift)
    return idle.mean_w if idle.state != "invalid" else None


def _reasons(power: Power, evidence: Evidence) -> tuple[Reason, ...]:
    return _those_that_hold(
        {
            "no_manifest": evidence.manifest is None,
            "frames_missing": power.holes.missing > 0 or power.holes.dead > 0,
            "frames_lost": power.holes.lost > 0,
        }
    )


def _those_that_hold(reasons: dict[Reason, bool]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in reasons.items() if holds)


def _of_trial(trial: Trial, work: Work, measured: WindowEnergy) -> dict[str, Any]:
    """The fields that only a trial has."""
    opening, images = trial.opening, int(work.images.sum())
    seconds = (measured.end_ns - measured.begin_ns) / 1e9
    energy = measured.energy_j
    return {
        "trial": opening.trial,
        "group": opening.group,
        "index": opening.index,
        "model": opening.model,
        "dataset": opening.dataset,
        "batch_size": opening.batch_size,
        "precision": opening.precision,
        "backend": opening.backend,
        "subset": opening.subset,
        "hits": work.hits.hex() if work.hits else None,
        "images": images,
        "correct": work.correct,
        "j_per_1000": energy / images * 1000 if energy is not None and images else None,
        "images_per_s": images / seconds if images else None,
        "latency_ms": work.latency_ms,
        **_accuracy(accuracy_of(trial, work)),
    }


def _accuracy(accuracy: Accuracy | None) -> dict[str, Any]:
    if accuracy is None:
        return {}
    return {
        "accuracy": accuracy.value,
        "accuracy_lo": accuracy.lo,
        "accuracy_hi": accuracy.hi,
        "accuracy_n": accuracy.n,
        "accuracy_origin": accuracy.origin,
    }


def _energy(measured: WindowEnergy) -> dict[str, Any]:
    """The energy's own fields, under the names that results give them."""
    shared = (
        "energy_j",
        "energy_u95_j",
        "energy_u95_comparable_j",
        "counter_j",
        "idle_w",
        "net_j",
        "method",
        "coverage",
        "samples",
        "missed",
        "mean_w",
        "max_w",
        "state",
        "reasons",
        "flags",
    )
    lines = (
        BudgetLine(name=line.name, u_j=line.u_j, shared=line.shared, how=line.how) for line in measured.budget
    )
    return {**{name: getattr(measured, name) for name in shared}, "budget": tuple(lines)}


def _context(evidence: Evidence, info: StreamInfo | None) -> dict[str, Any]:
    manifest = evidence.manifest
    if manifest is None:
        return {}
    return {
        "device": manifest.device.kind,
        "power_mode": manifest.power_mode,
        "manifest_hash": manifest.hash,
        "software": manifest.software,
        "sensor": info.sensor if info else None,
        "origin": info.origin if info else None,
    }


def _health(frames: tuple[HealthFrame, ...], begin: int, end: int) -> dict[str, Any]:
    """Temperature and throttling as last reported before the end; the agent's own share of the processor."""
    told = sorted((f for f in frames if f.anchor + f.t0 <= end), key=lambda frame: frame.anchor + frame.t0)
    if not told:
        return {}
    inside = [frame for frame in told if frame.anchor + frame.t0 >= begin]
    throttled = {what for frame in inside or told[-1:] for what in frame.throttle or ()}
    spent = [frame.agent_cpu_s for frame in told if frame.agent_cpu_s is not None]
    return {
        "temp_c": told[-1].temp_c,
        "throttle": tuple(sorted(throttled)) or None,
        "agent_cpu_s": spent[-1] - spent[0] if len(spent) > 1 else None,
    }


def _clock(evidence: Evidence, begin: int, end: int) -> dict[str, Any]:
    """Where the node's clock stood against UTC in the middle of the window, when pings told.

    Only pings answered by the window's end count: what came later may not be stored when it is computed.
    """
    exchanges = [
        msgspec.structs.replace(exchange, t1=exchange.t1 + frame.anchor, t4=exchange.t4 + frame.anchor)
        for frame in evidence.clock
        for exchange in frame.exchanges
        if frame.anchor + exchange.t4 <= end
    ]
    offset = offset_at(exchanges, (begin + end) // 2)
    if offset is None:
        return {"clock_bad": None}
    return {
        "utc_offset_ns": offset.offset_ns,
        "utc_offset_u95_ns": offset.u95_ns,
        "clock_bad": abs(offset.offset_ns) > CLOCK_BAD_NS,
    }


def _info(evidence: Evidence, stream: str) -> StreamInfo | None:
    streams = evidence.manifest.streams if evidence.manifest else ()
    return next((info for info in streams if info.stream == stream), None)
