"""What the pages say of findings, other events and soak tests. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry.contract.events import Finding
from view.numbers import moment, seconds, with_u95

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.contract.events import FleetEvent
    from telemetry.contract.soak import Drift, Soak

TONES = {"alarm": "invalid", "warning": "degraded"}
BAD_KINDS = {"silent", "lost", "clock_bad", "frozen", "hole"}
"""What is bad by its kind alone, of an event whose severity nobody said."""
AWAY = ("silent", "lost")


class Trouble(NamedTuple):
    """A finding of a node that lasts, as a word and the class of its colour."""

    kind: str
    tone: str


class EventRow(NamedTuple):
    """Something that a person should hear of; `words` go on behind the node."""

    when: str | None
    tone: str
    kind: str
    node: str | None
    words: str
    lasts: bool


class SoakRow(NamedTuple):
    """A soak test: how far it is, and what it says so far."""

    name: str
    node: str
    state: str
    tone: str
    share: float
    progress: str
    reasons: str
    drift: str | None


def event_row(event: FleetEvent) -> EventRow:
    """An event as a line."""
    node, words = event.node, event.words
    if node is not None:  # it stands before the words, as a link
        words = words[len(node) :] if words.startswith(node) else f": {words}"
    return EventRow(_when(event), _tone(event), _word(event), node, words, lasts(event))


def lasts(event: FleetEvent) -> bool:
    """Whether it is a finding that has not ended."""
    return isinstance(event, Finding) and event.lasts


def troubles(events: Iterable[FleetEvent]) -> dict[str, list[Trouble]]:
    """What lasts of each node, the worst first."""
    found: dict[str, list[Trouble]] = {}
    for event in events:
        if event.node is not None and lasts(event):
            found.setdefault(event.node, []).append(Trouble(_word(event), _tone(event)))
    order = ("invalid", "degraded", "quiet")
    return {
        node: sorted(set(each), key=lambda it: (order.index(it.tone), it)) for node, each in found.items()
    }


def soak_row(soak: Soak) -> SoakRow:
    """A soak test as a line."""
    whole = max(1, soak.planned_end - soak.begin)
    done = soak.end - soak.begin
    drift = next((each for each in soak.drift if each.metric == "j_per_image"), None)
    return SoakRow(
        name=soak.name,
        node=soak.node,
        state=soak.verdict if soak.is_over else f"runs, {soak.verdict} so far",
        tone={"pass": "valid", "fail": "invalid"}.get(soak.verdict, "degraded"),
        share=min(100.0, 100 * done / whole),
        progress=f"over after {seconds(done)}" if soak.is_over else f"{seconds(done)} of {seconds(whole)}",
        reasons="; ".join(soak.reasons) or "every budget holds",
        drift=_drift(drift) if drift else None,
    )


def _drift(drift: Drift) -> str:
    half = None if drift.lo is None or drift.hi is None else (drift.hi - drift.lo) / 2
    return f"{with_u95(drift.per_day, half)} {drift.unit}"


def _when(event: FleetEvent) -> str | None:
    if not isinstance(event, Finding):
        return moment(event.at)
    if event.until is None:
        return f"since {moment(event.begin)}"
    length_ns = event.until - event.begin
    return f"{moment(event.begin)}{f', for {seconds(length_ns)}' if length_ns else ''}"


def _word(event: FleetEvent) -> str:
    return event.kind.replace("_", " ")


def _tone(event: FleetEvent) -> str:
    if isinstance(event, Finding):
        return TONES.get(event.severity, "quiet")
    return TONES["alarm"] if event.kind in BAD_KINDS else "quiet"
