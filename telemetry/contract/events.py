"""Events of the fleet: what a person should hear of, on ``e3p/v1/fleet/event`` and in the store.

Every event has the fields of `FleetEvent`; a kind may bring more. Who does not know a kind shows its words.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.documents import VERSIONED
from telemetry.contract.units import Ns

EVENT = "event"
"""The kind under which stores keep events, whatever their own."""


class FleetEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event says: its kind, its node if it has one, when (the collector's UTC ns), and words."""

    v: int = VERSIONED
    kind: str
    node: str | None = None
    at: Ns
    words: str


FindingKind = Literal[
    "silent",
    "lost",
    "back",
    "clock_bad",
    "spool_filling",
    "frozen",
    "estimated_only",
    "restarted",
    "throttled",
    "outlier",
    "regression",
    "hole",
    "certificate",
]
Severity = Literal["info", "warning", "alarm"]


class Finding(FleetEvent, frozen=True, kw_only=True, omit_defaults=True):
    """What the analyzer found of a node; it begins, and most end. One document, a revision when it changes.

    `at` is when it was first told, `begin` and `until` are when what it tells of began and ended (UTC ns);
    without `until` it lasts. `subject` is what it is of beside the node: a stream, ``APP MODEL``, a
    certificate. `value` stands against `expected`, both in `unit`. `cause` is what changed just before.
    """

    kind: FindingKind
    id: str
    revision: int = 1
    severity: Severity
    subject: str | None = None
    device: str | None = None
    model: str | None = None
    begin: Ns
    until: Ns | None = None
    value: float | None = None
    expected: float | None = None
    unit: str | None = None
    cause: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether it has not ended."""
        return self.until is None


class TwoBoots(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two agents live under one name; `boots` are theirs, the later one last. Their data is kept apart."""

    v: int = VERSIONED
    kind: Literal["two_boots"] = msgspec.field(default_factory=lambda: "two_boots")
    node: str
    boots: tuple[str, ...]
    at: Ns
    words: str
