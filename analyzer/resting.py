"""Idle power of a trial: its rests measured, and how far power moved from one to the other. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from analyzer.energy.facts import SensorFacts, facts_of
from analyzer.energy.net import Rest, moved_w
from analyzer.energy.trace import Trace
from analyzer.energy.window import Known, WindowEnergy, measure
from analyzer.readings import trace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.evidence import Evidence
    from analyzer.trials import Trial
    from telemetry.contract.manifest import StreamInfo

MARKED = Known(is_marked=True)


class _Seen(NamedTuple):
    """A rest as a sensor saw it."""

    trace: Trace
    window: WindowEnergy


def rest_of(trial: Trial, stream: str, info: StreamInfo | None, evidence: Evidence) -> Rest | None:
    """The rest whose power is taken off; None where no rest has readings that can be believed.

    How far idle power moves is told by the rest after the trial, or else by both halves of the only one.
    """
    facts = facts_of(info) if info else SensorFacts()
    seen = [one for one in _seen(trial, stream, info, evidence) if one.window.state != "invalid"]
    if not seen:
        return None
    idle = seen[0].window
    if len(seen) > 1:
        return Rest(idle, moved_w([idle, seen[1].window]), "from the rest before to the rest after")
    return Rest(idle, moved_w(_halves(seen[0].trace, facts, idle)), "between the halves of the only rest")


def _seen(trial: Trial, stream: str, info: StreamInfo | None, evidence: Evidence) -> Iterator[_Seen]:
    """The rests in order; one after the trial is looked at once all its frames are here."""
    facts = facts_of(info) if info else SensorFacts()
    for rest, powers in zip(trial.rests, evidence.idle, strict=False):
        span = rest.span
        for power in powers:
            if power.stream == stream and (rest is trial.idle or not power.holes.missing):
                trace = trace_of(power, info)
                edges = span.begin + span.shift, span.end + span.shift
                yield _Seen(trace, measure(trace, facts, *edges, MARKED))


def _halves(trace: Trace, facts: SensorFacts, idle: WindowEnergy) -> list[WindowEnergy]:
    edges = idle.begin_ns, (idle.begin_ns + idle.end_ns) // 2, idle.end_ns
    return [measure(trace, facts, begin, end, MARKED) for begin, end in pairwise(edges)]
