"""What is written into Grafana's own annotations: windows of trials, and findings of the fleet. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from telemetry.contract.decode import decode_message
from telemetry.contract.documents import Result
from telemetry.contract.errors import Refused
from telemetry.contract.events import Finding
from telemetry.contract.topics import FLEET_EVENT

NS_PER_MS = 1_000_000
TAG = "e3p"


class Annotation(NamedTuple):
    """A region between two times (ms), or a moment where they are one; a later one of a key replaces it."""

    key: str
    begin_ms: int
    end_ms: int
    tags: tuple[str, ...]
    text: str

    @property
    def own_tag(self) -> str:
        """By which it is found again: Grafana numbers annotations for itself."""
        return f"{TAG}:{self.key}"

    @property
    def body(self) -> dict[str, object]:
        """As Grafana takes it."""
        tags = [TAG, *self.tags, self.own_tag]
        return {"time": self.begin_ms, "timeEnd": self.end_ms, "tags": tags, "text": self.text}


def annotation_of(topic: str, payload: bytes) -> Annotation | None:
    """What a message of the analyzer says; None for one that is no trial's result and no finding."""
    try:
        if topic == FLEET_EVENT:
            return _of_finding(msgspec.json.decode(payload, type=Finding))
        return _of_result(decode_message(payload, Result))
    except (Refused, msgspec.MsgspecError):
        return None


def _of_result(result: Result) -> Annotation | None:
    """One of a trial, by its leading stream."""
    if result.kind != "trial" or result.leads is False:
        return None
    energy = f", {result.j_per_1000:.4g} J per 1,000 images" if result.j_per_1000 is not None else ""
    told = f"{result.model or 'window'} on {result.node}{energy}, {result.state}"
    named = [name for name in (result.node, result.model, result.group) if name]
    return Annotation(
        key=f"{result.node}/{result.window}",
        begin_ms=result.begin // NS_PER_MS,
        end_ms=result.end // NS_PER_MS,
        tags=("trial", *named),
        text=told,
    )


def _of_finding(finding: Finding) -> Annotation:
    """Until it ends it is a moment: where it begins."""
    end = finding.begin if finding.until is None else finding.until
    cause = f"; {finding.cause}" if finding.cause else ""
    named = [name for name in (finding.node, finding.subject, finding.model) if name]
    return Annotation(
        key=finding.id,
        begin_ms=finding.begin // NS_PER_MS,
        end_ms=end // NS_PER_MS,
        tags=(finding.kind, finding.severity, *named),
        text=f"{finding.words}{cause}",
    )
