"""From evidence to results: pure, so that the same stored frames always give the same documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from analyzer.circumstances import clock_flags, clock_of, context_hash, health_of
from analyzer.energy.facts import SensorFacts, facts_of
from analyzer.energy.lines import Line
from analyzer.energy.net import Rest, above_idle
from analyzer.energy.window import Known, WindowEnergy, measure
from analyzer.labour import Job, Labour, busy_share
from analyzer.readings import trace_of
from analyzer.resting import rest_of
from analyzer.work import Accuracy, Work, accuracy_of, images_of, marks_are_whole, work_of
from telemetry.contract.documents import BudgetLine, Reason, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzer.evidence import Evidence, Power
    from analyzer.trials import Trial
    from telemetry.contract.frames import ManifestFrame
    from telemetry.contract.manifest import StreamInfo


class _Source(NamedTuple):
    """A stream to integrate: the node's own, or a meter's, whose clock is known within `clock_u95_ns`."""

    power: Power
    info: StreamInfo | None
    meter: str | None = None
    clock_u95_ns: int | None = 0


def _sources(evidence: Evidence) -> Iterator[_Source]:
    for power in evidence.power:
        yield _Source(power, _info(evidence, power.stream))
    for metered in evidence.meters:
        yield _Source(metered.power, metered.info, metered.meter, metered.clock_u95_ns)


def trial_results(
    trial: Trial, evidence: Evidence, *, overlaps: bool, awaits_marks: bool = False
) -> list[Result]:
    """The results of an ended trial, one for each power stream; `awaits_marks`: some are outstanding."""
    assert trial.window is not None  # noqa: S101 - only ended trials have one
    edges = trial.window.begin, trial.window.end
    work = work_of(trial)
    reasons = _those_that_hold(
        {
            "aborted": trial.closing is not None and trial.closing.status == "aborted",
            "marks_missing": not marks_are_whole(trial, work),
            "overlap": overlaps,
            "frames_missing": awaits_marks,
        }
    )
    results = []
    for source in _sources(evidence):
        known = Known(
            batch_begin_ns=work.begin_ns + trial.begin.anchor,
            is_marked=True,
            reasons=(*reasons, *_reasons(source, evidence)),
        )
        measured, common = _measured(trial.node, trial.opening.trial, source, evidence, edges, known)
        manifest_hash = common.get("manifest_hash")
        rest = None if source.meter else rest_of(trial, source.power.stream, source.info, evidence)
        own = {**_of_trial(trial, work, measured, manifest_hash), **_above_idle(measured, rest)}
        results.append(Result(kind="trial", **common, **own))
    return results


def interval_results(
    node: str, begin: int, end: int, evidence: Evidence, *, overlaps: bool = False
) -> list[Result]:
    """The results of any window of a node, one for each power stream.

    `overlaps`: readings of other boots at the same times were left out.
    """
    results = []
    for source in _sources(evidence):
        told = _those_that_hold({"overlap": overlaps})
        known = Known(reasons=(*told, *_reasons(source, evidence)))
        _, common = _measured(node, f"{node}/{begin}/{end}", source, evidence, (begin, end), known)
        results.append(Result(kind="interval", **common))
    return results


def work_results(
    node: str,
    edges: tuple[int, int],
    labour: Labour,
    evidence: Evidence,
    *,
    overlaps: bool,
    awaits_marks: bool,
) -> list[Result]:
    """The results of a minute of work (node time ns): one for each application and model, and power stream.

    `overlaps`: trials ran then, or other boots had readings. The energy of two jobs is not shared out.
    """
    told = _those_that_hold(
        {
            "marks_missing": labour.holes,
            "overlap": overlaps or len(labour.jobs) > 1,
            "frames_missing": awaits_marks,
        }
    )
    results = []
    for job, work in labour.jobs.items():
        window = f"work/{node}/{quote(job.app, safe='')}/{quote(job.model, safe='')}/{edges[0]}/{edges[1]}"
        for source in _sources(evidence):
            known = Known(batch_begin_ns=work.begin_ns, reasons=(*told, *_reasons(source, evidence)))
            measured, common = _measured(node, window, source, evidence, edges, known)
            results.append(Result(kind="interval", **common, **_of_work(job, work, measured)))
    return results


def _of_work(job: Job, work: Work, measured: WindowEnergy) -> dict[str, Any]:
    """The fields that only a minute of work has."""
    images, begin, end = int(work.images.sum()), measured.begin_ns, measured.end_ns
    return {
        "app": job.app,
        "model": job.model,
        "images": images,
        "correct": work.correct,
        **_per_image(measured, images),
        "latency_ms": work.latency_ms,
        "busy": busy_share(work, begin, end),
    }


def _per_image(measured: WindowEnergy, images: int) -> dict[str, float | None]:
    seconds, energy = (measured.end_ns - measured.begin_ns) / 1e9, measured.energy_j
    return {
        "j_per_1000": energy / images * 1000 if energy is not None and images else None,
        "images_per_s": images / seconds if images else None,
    }


def _measured(
    node: str, window: str, source: _Source, evidence: Evidence, edges: tuple[int, int], known: Known
) -> tuple[WindowEnergy, dict[str, Any]]:
    """The energy of one stream's window, and the fields that every kind of result shares."""
    begin, end = edges
    info = source.info
    clock = clock_of(evidence, begin, end)
    flags = clock_flags(evidence, begin, end, bad=bool(clock["clock_bad"]))
    known = replace(known, flags=flags, clock_u95_ns=source.clock_u95_ns or 0)
    trace = trace_of(source.power, info)
    measured = measure(trace, facts_of(info) if info else SensorFacts(), begin, end, known)
    return measured, {
        "node": node,
        "window": window,
        "stream": source.power.stream,
        "meter": source.meter,
        "begin": begin,
        "end": end,
        **_context(evidence, info, ours=source.meter is None),
        **_energy(measured),
        **health_of(evidence.health, begin, end),
        **clock,
    }


def _reasons(source: _Source, evidence: Evidence) -> tuple[Reason, ...]:
    power = source.power
    return _those_that_hold(
        {
            "no_clock": source.clock_u95_ns is None,
            "no_manifest": evidence.manifest is None,
            "no_ledger": not power.reported,
            "frames_missing": power.holes.missing > 0 or power.holes.dead > 0,
            "frames_lost": power.holes.lost > 0,
        }
    )


def _those_that_hold(reasons: dict[Reason, bool]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in reasons.items() if holds)


def _of_trial(trial: Trial, work: Work, measured: WindowEnergy, manifest_hash: str | None) -> dict[str, Any]:
    """The fields that only a trial has."""
    opening, images = trial.opening, images_of(trial, work)
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
        "protocol": opening.protocol,
        "context": opening.context,
        "context_hash": context_hash(manifest_hash, opening),
        "load": trial.closing.load if trial.closing else None,
        "images": images,
        "correct": work.correct,
        **_per_image(measured, images),
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
    return {
        **{name: getattr(measured, name) for name in shared},
        "integral_j": measured.integral_j if measured.method == "counter" else None,
        "budget": _lines(measured.budget),
    }


def _above_idle(measured: WindowEnergy, rest: Rest | None) -> dict[str, Any]:
    """What lies above the power of the rest, where there was one."""
    if rest is None:
        return {}
    net = above_idle(measured, rest)
    if net is None:
        return {"idle_w": rest.window.mean_w}
    return {
        "idle_w": net.idle_w,
        "net_j": net.net_j,
        "net_u95_j": net.net_u95_j,
        "net_budget": _lines(net.budget),
    }


def _lines(lines: Sequence[Line]) -> tuple[BudgetLine, ...]:
    return tuple(BudgetLine(name=line.name, u_j=line.u_j, shared=line.shared, how=line.how) for line in lines)


def _context(evidence: Evidence, info: StreamInfo | None, *, ours: bool) -> dict[str, Any]:
    manifest = evidence.manifest
    if manifest is None:
        return {}
    return {
        "device": manifest.device.kind,
        "power_mode": manifest.power_mode,
        "manifest_hash": manifest.hash,
        "software": manifest.software,
        "sensor": info.sensor if info else None,
        "period_ms": info.period_ms if info else None,
        "origin": info.origin if info else None,
        "leads": ours and info is not None and info == _leader(manifest),
    }


def _leader(manifest: ManifestFrame) -> StreamInfo | None:
    """The stream that rankings use: the first of the device itself, not a part's or a meter's elsewhere."""
    return next((info for info in manifest.streams if info.role == "device"), None)


def _info(evidence: Evidence, stream: str) -> StreamInfo | None:
    streams = evidence.manifest.streams if evidence.manifest else ()
    return next((info for info in streams if info.stream == stream), None)
